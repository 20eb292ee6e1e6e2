"""A model server of our own, a project to work in, and a cache that is nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.kit import project
from tests.support.fake_model import fake_model

__all__ = ["fake_model"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return project(tmp_path / "project")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DSPY_AGENT_POLICY", "best")
