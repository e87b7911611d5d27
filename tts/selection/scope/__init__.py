"""Scope: which problems a policy knows, as calibrated probabilities."""
