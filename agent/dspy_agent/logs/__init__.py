"""Log files: which there are, and reading them from the end in bounded memory."""
