"""Routing: chooses a model and its search for each problem."""
