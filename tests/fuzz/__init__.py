"""Random edits of valid files of every format that the product reads: no traceback, no hang, no growth."""
