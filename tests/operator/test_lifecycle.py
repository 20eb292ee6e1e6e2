"""When a workspace sleeps, wakes, ends, and when to look again."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_operator.lifecycle import due_for_deletion, last_activity, next_deadline, suspension
from tests.operator.build import NOW, Scene, facts, workspace

# Created an hour before NOW.
IDLE = {"lifecycle": {"idleTimeoutSeconds": 600}}


CONDITION = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-05-01T11:00:00Z"}


def ready(**more: Any) -> dict[str, Any]:
    return {"conditions": [CONDITION], "observedGeneration": 1, **more}


def reason(spec: dict[str, Any], seconds: float = 0, **meta: Any) -> str | None:
    found = suspension(workspace(spec, **meta), facts(seconds))
    return found.reason if found else None


def test_running() -> None:
    assert reason({}) is None


def test_by_its_operating_mode() -> None:
    assert reason({"operatingMode": "Suspended"}) == "OperatingMode"


class TestIdle:
    def test_after_the_timeout(self) -> None:
        assert reason(IDLE) == "IdleTimeout"

    def test_not_while_it_is_used(self) -> None:
        used = {"dspy.dev/last-activity": "2026-05-01T11:55:00Z"}
        assert reason(IDLE, annotations=used) is None
        assert reason(IDLE, 299, annotations=used) is None
        assert reason(IDLE, 300, annotations=used) == "IdleTimeout"

    @pytest.mark.parametrize("text", ["yesterday", "", "2036-01-01T00:00:00Z"])
    def test_a_time_that_makes_no_sense_is_passed_over(self, text: str) -> None:
        assert reason(IDLE, annotations={"dspy.dev/last-activity": text}) == "IdleTimeout"

    def test_a_new_spec_is_a_use(self) -> None:
        assert reason(IDLE, generation=2, status=ready()) is None

    def test_and_stays_one(self) -> None:
        scene = Scene(IDLE, generation=2, status=ready())
        status = scene.status()
        assert status["lastActivityTime"] == "2026-05-01T12:00:00Z"
        later = workspace(IDLE, generation=2, status=status)
        assert suspension(later, facts(599)) is None
        assert suspension(later, facts(600)) is not None


class TestShutdown:
    def test_retain(self) -> None:
        spec = {"lifecycle": {"shutdownTime": "2026-05-01T13:00:00+01:00"}}
        assert reason(spec, -1) is None
        assert reason(spec, 0) == "ShutdownTime"
        assert not due_for_deletion(workspace(spec), facts(10))

    def test_delete(self) -> None:
        spec = {"lifecycle": {"shutdownTime": "2026-05-01T12:00:00", "shutdownPolicy": "Delete"}}
        assert not due_for_deletion(workspace(spec), facts(-1))
        assert due_for_deletion(workspace(spec), facts(0))


class TestDeadline:
    def test_none_when_ready_and_for_ever(self) -> None:
        assert next_deadline(workspace(status=ready()), facts()) is None

    def test_the_nearest_counts(self) -> None:
        spec = {"lifecycle": {"idleTimeoutSeconds": 7200, "shutdownTime": "2026-05-01T12:30:00Z"}}
        assert next_deadline(workspace(spec, status=ready()), facts()) == 1800

    def test_progress(self) -> None:
        started = {"progressStartedTime": "2026-05-01T11:59:00Z", "observedGeneration": 1}
        assert next_deadline(workspace(status=started), facts()) == 540
        assert next_deadline(workspace(), facts()) == 600

    def test_no_idle_deadline_while_asleep(self) -> None:
        spec = {**IDLE, "operatingMode": "Suspended"}
        status = {"conditions": [{"type": "Ready", "status": "False", "reason": "Suspended"}]}
        assert next_deadline(workspace(spec, status=status), facts()) is None


def test_last_activity_of_a_new_workspace_is_its_creation() -> None:
    assert (NOW - last_activity(workspace(), facts())).total_seconds() == 3600
