"""Rows of JSON Lines: outcomes, and solutions as JSON."""
