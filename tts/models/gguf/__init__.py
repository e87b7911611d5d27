"""GGUF files of llama.cpp as models: read, checked, and converted once to a folder of safetensors."""
