"""Statistics: intervals, subsets of samples, and costs."""
