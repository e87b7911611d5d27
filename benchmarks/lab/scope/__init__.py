"""The scope of the built-in policies: fitted to answered problems, and measured on test splits."""
