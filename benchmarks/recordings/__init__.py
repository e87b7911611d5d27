"""Recorded solutions: reading, checking and grading them, and pooling them for a calibration."""
