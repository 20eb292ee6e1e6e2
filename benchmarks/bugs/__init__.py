"""Small bugs made by mutating well-tested packages, and how many of them an edit finds and mends."""
