"""Adapters of embedding models, one module a kind; what they need is imported when one is opened."""
