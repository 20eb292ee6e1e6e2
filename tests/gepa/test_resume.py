"""Killed or stopped at any question, the same command goes on there; two never train at once."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dspy_agent.gepa.journal import Journal
from dspy_agent.modules.state import load_state
from tests.gepa.conftest import Ran
from tests.gepa.kit import PROGRAM, asked, environment, planner
from tests.support.fake_model import Answer, FakeModelServer

TRAIN = ("train", "--module", "plan", "--examples", "16", "--calls", "20", "--json")
STOPS_AT = 8  # the last of the first examples to learn from


@pytest.fixture
def stopped(server: FakeModelServer) -> threading.Event:
    """Let the server hang at one question; the event is set when it is asked."""
    reached = threading.Event()

    def answer(request: dict[str, Any]) -> str | Answer:
        if asked(server) < STOPS_AT:
            return planner(request)
        reached.set()
        return Answer(planner(request), until=threading.Event())

    server.answers = [answer]
    return reached


def start(project: Path, home: Path, server: FakeModelServer) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, "gepa", *TRAIN],
        cwd=project,
        env=environment(home, server),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_the_same_command_goes_on_and_two_never_train_at_once(
    run: Callable[..., Ran],
    server: FakeModelServer,
    stopped: threading.Event,
    project: Path,
    home: Path,
    sign: signal.Signals,
    code: int,
) -> None:
    process = start(project, home, server)
    assert stopped.wait(100)
    other = run(*TRAIN)
    assert other.code == 3
    assert other.json["error"]["code"] == "AlreadyRunning"
    process.send_signal(sign)
    out, err = process.communicate(timeout=100)
    assert process.returncode == code, err
    assert out == ""
    assert ("the same command goes on" in err) == (sign == signal.SIGINT)
    assert load_state(project, "plan") is None

    server.answers = [planner]
    done = run(*TRAIN)
    assert done.code == 0, done.err
    assert done.json["resumed"] == STOPS_AT - 1
    assert done.json["calls"] == asked(server) - 1, "only the question that was cut is asked again"
    assert done.json["kept"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(cut=st.integers(0, 400), put=st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_a_torn_journal_keeps_its_whole_lines(tmp_path: Path, cut: int, put: list[str]) -> None:
    path = tmp_path / "journal"
    path.unlink(missing_ok=True)
    first = Journal(path, "run", b"k" * 32)
    for number, text in enumerate(put):
        first.put(str(number), {"said": text})
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    again = Journal(path, "run", b"k" * 32)
    assert again.recalled == whole[:cut].count(b"\n") + (cut < len(whole) and whole[cut : cut + 1] == b"\n")
    for number in range(again.recalled):
        assert again.get(str(number)) == {"said": put[number]}
    again.put("more", 1)
    assert Journal(path, "run", b"k" * 32).get("more") == 1


def test_a_journal_of_another_run_or_user_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path, "run", b"k" * 32).put("a", {"score": 1.0})
    data = path.read_bytes()
    assert Journal(path, "run", b"k" * 32).get("a") == {"score": 1.0}
    assert Journal(path, "run", b"x" * 32).get("a") is None
    path.write_bytes(data)
    assert Journal(path, "other", b"k" * 32).get("a") is None
    assert path.read_bytes() == b""
    path.write_bytes(data.replace(b"1.0", b"9.0"))
    assert Journal(path, "run", b"k" * 32).get("a") is None
