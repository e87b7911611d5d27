"""How fast the search is, as ratios measured in one run: `python -m benchmarks.speed`. docs/SPEED.md explains them."""
