"""The trajectory on disk: each step before the next, whatever is killed; bounded; without secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.learning.log import MAX_LINE
from dspy_agent.loop.trajectory import FOLDER, MOST_FILES, Trajectory, encode, latest, read
from tests.loop.kit import step
from tests.support.fake_model import FakeModelServer


def test_records_come_back_in_order(tmp_path: Path) -> None:
    written = Trajectory(tmp_path, "one")
    written.write("task", {"task": "fix it"})
    written.write("step", {"number": 1, "arguments": {"pattern": "x"}})
    assert [(record["kind"], record["schema_version"]) for record in read(written.path)] == [
        ("task", 1),
        ("step", 1),
    ]
    assert latest(tmp_path) == written.path
    assert written.trouble == ""


def test_nothing_is_made_before_something_is_written(tmp_path: Path) -> None:
    Trajectory(tmp_path, "one")
    assert list(tmp_path.iterdir()) == []
    assert latest(tmp_path) is None
    assert list(read(tmp_path / "none.jsonl")) == []


def test_git_does_not_see_it_and_others_may_not_read_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    Trajectory(tmp_path, "one").write("task", {"task": "x"})
    done = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b""
    assert (tmp_path / FOLDER).stat().st_mode & 0o077 == 0


def test_secrets_are_not_in_it(tmp_path: Path) -> None:
    written = Trajectory(tmp_path, "one")
    written.write("step", {"arguments": {"command": "curl -H 'Authorization: Bearer abcdefgh12345'"}})
    assert b"abcdefgh12345" not in written.path.read_bytes()


def test_the_oldest_go(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 3):
        one = Trajectory(tmp_path, f"s{number}")
        one.write("task", {"task": str(number)})
        os.utime(one.path, ns=(number, number))
    names = {path.name for path in (tmp_path / FOLDER).iterdir()}
    assert len(names) == MOST_FILES
    assert "s0.jsonl" not in names
    assert f"s{MOST_FILES + 2}.jsonl" in names


@pytest.mark.parametrize("what", ["link", "file", "read-only"])
def test_a_folder_that_can_not_be_used_is_told_and_no_error(tmp_path: Path, what: str) -> None:
    (workspace := tmp_path / "w").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if what == "link":
        (workspace / FOLDER).symlink_to(elsewhere)
    elif what == "file":
        (workspace / FOLDER).write_text("")
    else:
        (workspace / FOLDER).mkdir()
        (workspace / FOLDER / "one.jsonl").symlink_to(elsewhere / "target")
    written = Trajectory(workspace, "one")
    written.write("task", {})
    written.write("task", {})
    assert written.trouble
    assert list(elsewhere.iterdir()) == []


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3000),
    lambda inner: st.lists(inner, max_size=60) | st.dictionaries(st.text(max_size=10), inner, max_size=8),
    max_leaves=30,
)


@given(st.dictionaries(st.text(max_size=10), plain, max_size=6))
def test_any_record_becomes_a_line(record: dict[str, Any]) -> None:
    line = encode("step", record)
    assert len(line) < MAX_LINE
    assert b"\n" not in line
    back = json.loads(line)
    assert isinstance(back, dict)
    assert "NaN" not in line.decode() or "NaN" in repr(record)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_damage_costs_what_is_damaged_only(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, at: int
) -> None:
    path = tmp_path_factory.mktemp("t") / "one.jsonl"
    good = encode("task", {"task": "x"}) + b"\n"
    path.write_bytes(good + rubbish[:at].replace(b"\n", b"") + b"\n" + good + good[: at % len(good)])
    assert [record["kind"] for record in read(path)].count("task") >= 2


_TALK = """
import sys
from pathlib import Path
from tests.loop.kit import converse
class Server: answers = []
converse(Server(), Path(sys.argv[1]), "what does parse_date do?")
"""


def test_killed_in_the_middle_of_a_step_the_steps_before_are_there(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    from tests.loop.kit import Scripted

    seen: list[list[str]] = []
    script = Scripted(*(step("grep", pattern=f"parse{n}") for n in range(4)))

    def answer(request: dict[str, Any]) -> Any:
        path = latest(workspace)
        seen.append([record["kind"] for record in read(path)] if path else [])
        if len(script.steps) == 1:
            os.kill(process.pid, signal.SIGKILL)
        return script(request)

    fake_model.answers = [answer]
    process = subprocess.Popen([sys.executable, "-c", _TALK, str(workspace)], cwd=Path(__file__).parents[2])
    assert process.wait(60) == -signal.SIGKILL
    path = latest(workspace)
    assert path
    assert [record["kind"] for record in read(path)] == ["task", "step", "step", "step"]
    assert seen[-1] == ["task", "step", "step", "step"]
    Trajectory(workspace, path.stem).write("end", {})
    assert [record["kind"] for record in read(path)][-1] == "end"
