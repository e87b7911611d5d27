"""Word problems of five levels: generated, and the splits that ship."""
