"""The search that a strategy sees, and how one problem is run."""
