"""The code index: source files to chunks and postings, and a query to ranked chunks. Pure: no file is opened."""
