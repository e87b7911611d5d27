"""What is known of models: their cards, files and configurations, and the built-in weights."""
