"""Answers: extraction from a solution, canonical spelling, comparison, votes."""
