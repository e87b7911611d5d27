"""Rows: outcomes, and solutions as JSON."""
