"""Activity is noted as long as a session lives, and not after."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dspy_agent.cluster import activity
from dspy_agent.cluster.api import open_api
from dspy_agent.cluster.kubeconfig import load_access
from tests.cluster.api_server import ApiServer


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_noted_again_and_again(
    server: ApiServer, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "NOTE_SECONDS", 0.02)
    warnings: list[str] = []
    server.fail("PATCH", "agentworkspaces", 409, "Conflict", "try again", times=2)  # is tried again
    with open_api(load_access(kubeconfig)) as api:
        with activity.noted_activity(api, "demo", warnings.append):
            wait_for(lambda: len(server.patches()) > 5)
        noted = len(server.patches())
        time.sleep(0.1)
        assert len(server.patches()) == noted
    assert warnings == []
    assert "dspy.dev/last-activity" in server.workspaces["team", "demo"]["metadata"]["annotations"]
