"""The OpenAI-compatible server in front of every strategy, and its page: ``tts serve``."""
