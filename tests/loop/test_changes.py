"""Edits in a conversation: the user's words are the task, only what was verified lands, and is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dspy_agent.checkpoints.store import Store
from dspy_agent.memory.store import lessons
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.edit import EditResult
from tests.loop.kit import Scripted, converse, step
from tests.support.fake_model import FakeModelServer

TASK = "fix the crash in parse_date"
FIXED = b"def parse_date(text):\n    return text\n"


class Editor:
    """Stands for ``edit``: proposes ``FIXED``, verified or not, and remembers what it was asked."""

    def __init__(self, verified: bool) -> None:
        self.verified = verified
        self.tasks: list[Any] = []

    def __call__(self, arguments: Any, context: ToolContext) -> EditResult:
        self.tasks.append(arguments.task)
        Store(context.workspace).propose({"src/dates.py": FIXED}, {"task": " ".join(arguments.task)})
        return EditResult(
            files=[],
            diff="",
            verified=self.verified,
            verification="",
            candidates=[],
            located=[],
            next="",
            seconds=0.1,
        )


@pytest.mark.parametrize("verified", [True, False])
def test_auto_lands_an_edit_that_was_verified_and_no_other(
    fake_model: FakeModelServer, workspace: Path, monkeypatch: pytest.MonkeyPatch, verified: bool
) -> None:
    editor = Editor(verified)
    monkeypatch.setattr("dspy_agent.tools.edit.run", editor)
    monkeypatch.setattr(EditResult, "__bool__", lambda self: True)
    script = Scripted(step("ctx"), step("edit", task="delete everything"), step("apply"))
    talk, _ = converse(fake_model, workspace, TASK, script, approval="auto")
    assert editor.tasks == [(TASK,)]
    assert ((workspace / "src" / "dates.py").read_bytes() == FIXED) is verified
    assert [one.ran for one in talk.steps] == [True, True, verified]
    assert talk.next.split(" · ")[0] == ("undo" if verified else "apply")
    worked = [lesson for lesson in lessons(workspace) if lesson.kind == "worked"]
    assert [lesson.paths for lesson in worked] == ([("src/dates.py",)] if verified else [])


def test_a_proposal_from_before_does_not_land_by_itself(fake_model: FakeModelServer, workspace: Path) -> None:
    Store(workspace).propose({"src/dates.py": b"evil\n"}, {"task": "something else"})
    script = Scripted(step("ctx"), step("apply"))
    converse(fake_model, workspace, TASK, script, approval="auto")
    assert b"evil" not in (workspace / "src" / "dates.py").read_bytes()


def test_a_command_that_works_where_another_failed_is_remembered(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    script = Scripted(step("run", command="make nothing"), step("run", command="make test"))
    converse(fake_model, workspace, "run the tests", script, ask=lambda question: "y")
    (lesson,) = lessons(workspace)
    assert lesson.text == "`make test` works here; `make nothing` did not (exit code 2)"
