"""Everyday problems: the sums that people type, as declarative forms by family."""
