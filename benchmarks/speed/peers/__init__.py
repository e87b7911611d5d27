"""Other projects on the same engines, to compare with."""
