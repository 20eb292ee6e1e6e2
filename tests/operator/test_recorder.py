"""Events for people: a Warning only for what needs somebody's help, and none for what is no change."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.recorder import Recorder
from dspy_operator.status.verdict import PROGRESS, Verdict, conditions
from tests.operator.build import NOW, resource


class Posted:
    """Stands in for the API server's end: keeps what is posted."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def create(self, _path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.events.append(body)
        return body


def status(reason: str, message: str = "Why.", *, ready: str = "False") -> dict[str, Any]:
    verdicts = {"Ready": Verdict(ready, reason, message)}
    return {"conditions": conditions(verdicts, {}, 1, NOW)}


def posted(*changes: tuple[dict[str, Any], dict[str, Any]]) -> list[tuple[str, str]]:
    """Return type and reason of the Events that these changes of a status make."""
    sink = Posted()
    obj = resource({})
    obj = {"apiVersion": "dspy.dev/v1alpha1", "kind": "AgentWorkspace", **obj}
    obj["metadata"] |= {"resourceVersion": "1"}

    async def post() -> None:
        recorder = Recorder(cast("KubeClient", sink))
        for before, after in changes:
            recorder.changed(obj, before, after)
        task = asyncio.create_task(recorder.run())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(post())
    return [(event["type"], event["reason"]) for event in sink.events]


READY = status("Ready", ready="True")


@pytest.mark.parametrize("reason", sorted(PROGRESS))
def test_what_is_on_its_way_is_no_warning(reason: str) -> None:
    assert posted((READY, status(reason))) == [("Normal", reason)]


@pytest.mark.parametrize(
    "reason", ["ImagePullFailed", "QuotaExceeded", "ProgressDeadlineExceeded", "InvalidSpec"]
)
def test_what_needs_help_is_a_warning(reason: str) -> None:
    assert posted((READY, status(reason)), (status(reason), READY)) == [
        ("Warning", reason),
        ("Normal", "Ready"),
    ]


def test_another_message_alone_is_no_news() -> None:
    assert posted((status("PullingModel", "1%"), status("PullingModel", "2%"))) == []
