"""Benchmark runs: jobs, run folders that can be resumed, grading, and estimates for every N.

Importing this package loads nothing heavy; the command is :mod:`benchmarks.bench.command`.
"""
