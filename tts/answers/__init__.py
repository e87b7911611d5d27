"""Answers: found in a solution, brought to one spelling, compared, and voted on."""
