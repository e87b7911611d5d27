"""A run as a page: figures with their intervals, tables, and the search trees behind them, in one file."""
