"""The remote engine: models behind HTTP servers."""
