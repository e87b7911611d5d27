"""The tests, laid out like the tree they test. A package, so that helpers are imported as ``tests.<name>``."""
