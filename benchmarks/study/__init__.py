"""What the compute-optimal selector is worth, by playing it on recorded samples and searches."""
