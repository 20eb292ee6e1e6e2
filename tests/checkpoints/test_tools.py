"""``diff``, ``apply``, ``undo``, ``checkpoints`` as commands: across processes, with JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dspy_agent.checkpoints.store import Store
from dspy_agent.tools import apply, checkpoints, diff
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.change_arguments import ApplyArguments, CheckpointsArguments, DiffArguments
from dspy_agent.tools.console import ResultConsole
from dspy_agent.workspace.paths import open_workspace
from tests.agent.test_cli import dspy_agent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text("one = 1\ntwo = 2\n")
    return open_workspace(tmp_path)


def test_a_change_goes_through_all_commands(root: Path) -> None:
    context = ToolContext(root)
    nothing = diff.run(DiffArguments(), context)
    assert not nothing
    assert "dspy-agent edit" in diff.notes(nothing, DiffArguments())[0]
    refused = dspy_agent("apply", "--json", cwd=root)
    assert refused.returncode == 3
    assert json.loads(refused.stdout)["error"]["code"] == "NothingProposed"

    Store(root).propose({"a.py": b"one = 1\ntwo = 3\n", "b.py": b"new\n"}, {"task": "count right"})
    shown = diff.run(DiffArguments(), context)
    assert [(item.path, item.kind, item.added, item.removed) for item in shown.files] == [
        ("a.py", "changed", 1, 1),
        ("b.py", "new", 1, 0),
    ]
    assert shown.task == "count right"
    done = dspy_agent("apply", cwd=root)
    assert (done.returncode, "dspy-agent undo" in done.stderr) == (0, True)
    assert done.stdout.splitlines()[0] == "Applied: 2 files, checkpoint 1"
    assert (root / "b.py").exists()

    assert diff.run(DiffArguments(1), context).files == shown.files
    assert json.loads(dspy_agent("undo", "--json", cwd=root).stdout)["undoes"] == 1
    assert not (root / "b.py").exists()
    assert dspy_agent("undo", "7", cwd=root).returncode == 2
    listed = checkpoints.run(CheckpointsArguments(), context).checkpoints
    assert [(item.id, item.undoes, item.undone_by) for item in listed] == [(2, 1, None), (1, None, 2)]


def test_a_diff_is_as_git_prints_it_and_drives_no_terminal(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(root).propose({"a.py": b"one = 1\ntwo = '\x1b[2J'\n"}, {})
    context = ToolContext(root)
    diff.render(diff.run(DiffArguments(), context), DiffArguments(), ResultConsole(root))
    assert capsys.readouterr().out == (
        "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n one = 1\n-two = 2\n+two = '\\x1b[2J'\n"
    )


def test_only_the_newest_are_listed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = ToolContext(root)
    assert not checkpoints.run(CheckpointsArguments(), context)
    for number in range(3):
        Store(root).propose({"a.py": b"%d\n" % number}, {"task": f"number {number}\nmore"})
        apply.run(ApplyArguments(), context)
    arguments = CheckpointsArguments(max=2)
    found = checkpoints.run(arguments, context)
    assert [item.id for item in found.checkpoints] == [3, 2]
    assert found.truncated
    checkpoints.render(found, arguments, ResultConsole(root))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3  ")
    assert lines[0].endswith("  number 2")
    assert lines[1] == "  changed a.py  +1 -1"
    assert "older ones" in checkpoints.notes(found, arguments)[-1]
