"""The measurements of the speed benchmark, one per file."""
