"""Stack traces: which lines belong to one, and what it says, for each language that writes them."""
