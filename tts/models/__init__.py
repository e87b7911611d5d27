"""Knowledge about models: cards, files and configurations, and the built-in weights."""
