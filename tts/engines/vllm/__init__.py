"""The vLLM engine: models in processes of vLLM."""
