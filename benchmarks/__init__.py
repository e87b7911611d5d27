"""Data sets, benchmark runs, replay, calibration, statistics, reports, and training of the built-in models."""
