"""The transformers engine: models in this process, on any machine."""
