"""Replay: other votes, aggregations and smaller N over recorded candidates."""
