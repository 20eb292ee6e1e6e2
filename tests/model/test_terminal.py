"""At a terminal: Ctrl-C in the middle of an answer, and the offer to pull a model that is missing."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.kit import KINDS, NAMES
from tests.support.fake_model import Answer, FakeModelServer
from tests.support.kafka import until

_ASK = """
import sys
from pathlib import Path
from dspy_agent.model.access import open_model
model = open_model(Path.cwd())
print("opened", flush=True)
model.complete("", "go on", answer_tokens=100_000, on_text=lambda text: print(text, flush=True))
"""
_OPEN = """
from pathlib import Path
from dspy_agent.model.access import open_model
print(open_model(Path.cwd()).settings.name)
"""


def _environment(server: FakeModelServer, **more: str) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if name not in NAMES}
    return {**bare, "DSPY_AGENT_MODEL_CONTEXT_TOKENS": "1000000", **server.environment(**more)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("begun", [True, False], ids=["in mid-answer", "before the first byte"])
def test_ctrl_c_ends_it_and_closes_the_connection(kind: str, begun: bool, tmp_path: Path) -> None:
    slow = Answer(pieces=["said "] * 3000, pause=0.01, first=0.0 if begun else 2.0)
    with FakeModelServer(slow, context_length=2_000_000) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", _ASK],
            cwd=tmp_path,
            env=_environment(server, openai=kind == "openai"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            while ("said" if begun else "opened") not in (line := process.stdout.readline()):
                assert line, process.communicate()[1]
            until(lambda: bool(server.requests), "nothing is asked")
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == -signal.SIGINT
        assert server.gone.wait(30), "the server still answers"


def _at_terminal(server: FakeModelServer, answer: str, folder: Path) -> tuple[int, str, str]:
    """Run ``_OPEN`` at a terminal, give ``answer`` when asked; return code, output and what was shown."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _OPEN],
            cwd=folder,
            env=_environment(server),
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.close(theirs)
        shown = b""
        with process:
            while b"[y/N]" not in shown:
                shown += os.read(ours, 1024)
            os.write(ours, f"{answer}\n".encode())
            while piece := _read(ours):
                shown += piece
            assert process.stdout is not None
            said = process.stdout.read()
        return process.returncode, said, shown.decode()
    finally:
        os.close(ours)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1024)
    except OSError:  # the other side is closed
        return b""


def test_a_missing_model_is_pulled_if_it_is_wanted(tmp_path: Path) -> None:
    with FakeModelServer(models=["other"]) as server:
        code, said, shown = _at_terminal(server, "y", tmp_path)
        assert (code, said) == (0, "small\n")
        assert "does not have the model small" in shown
        assert "100 % of" in shown
        assert server.other.count("/api/pull") == 1


def test_a_missing_model_is_left_alone_if_not(tmp_path: Path) -> None:
    with FakeModelServer(models=["other"]) as server:
        code, _, shown = _at_terminal(server, "", tmp_path)
        assert code == 1
        assert "does not have the model small" in shown
        assert "/api/pull" not in server.other
