"""The code index: source files to chunks and postings, a query to ranked chunks. No file is opened."""
