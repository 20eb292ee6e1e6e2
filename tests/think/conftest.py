"""A model server of our own, a project to work in, and a cache that is nobody's."""

from tests.loop.conftest import fake_model, own_cache, workspace

__all__ = ["fake_model", "own_cache", "workspace"]
