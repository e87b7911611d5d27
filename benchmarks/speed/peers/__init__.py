"""Other projects on the same engines, for comparison."""
