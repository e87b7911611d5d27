"""Kinds of answers, one file each: how an answer is found in a solution, and when two are the same."""
