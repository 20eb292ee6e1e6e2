"""The local store: memory-mapped files in the workspace."""
