"""How well code is found: labelled queries from public packages, and what ranks them."""
