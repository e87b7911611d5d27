"""Records: outcomes, and solutions as JSON."""
