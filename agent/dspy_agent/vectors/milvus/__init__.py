"""The shared store: a Milvus server, or a Milvus Lite file."""
