"""The workspace as files: which paths may be used, which are ignored, and how they are read."""
