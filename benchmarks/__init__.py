"""Data sets, grading, batch runs, statistics, reports and the laboratory of tiny models."""
