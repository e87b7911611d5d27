"""Benchmarks that can be trusted: data sets by name, runs that can be killed and go on, estimates for every N.

Importing this loads nothing heavy; the command is :mod:`benchmarks.bench.command`.
"""
