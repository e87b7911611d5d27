"""Reports of runs: a page with figures, tables and search trees, or a folder to commit."""
