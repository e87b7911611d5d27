"""Measurements of routing on recorded outcomes: ``python -m benchmarks.routing``, see docs/ROUTING.md."""
