"""What would have been: other votes, other aggregations and fewer samples, over candidates that were recorded once."""
