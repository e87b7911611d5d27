"""The selector study: what the compute-optimal selector gains, on recorded samples and searches."""
