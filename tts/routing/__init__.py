"""Routing: which model, with which search, for which problem."""
