"""Calibration: fits a profile to runs over a calibration split."""
