"""Speed of the search as ratios measured in one run: `python -m benchmarks.speed`; docs/SPEED.md explains them."""
