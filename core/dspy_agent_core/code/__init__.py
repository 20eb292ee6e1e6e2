"""What source code holds: languages, symbols, signatures, docstrings and imports."""
