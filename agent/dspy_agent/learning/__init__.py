"""What is learned from use: each search, which of its hits was opened or edited next, one event a line."""
