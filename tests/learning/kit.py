"""What the tests of learning share: the program as a process, a small project, and its events."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.log import Reader
from dspy_agent_core.contracts.messages import LearningEvent

PROGRAM = [sys.executable, "-c", "from dspy_agent.cli.main import main; main()"]


def environment(**extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DSPY_AGENT_", "XDG_"))}
    return {**kept, **extra}


def dspy_agent(*words: str, cwd: Path, lines: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command; with ``lines``, a session that reads them from a pipe."""
    return subprocess.run(
        [*PROGRAM, *words],
        cwd=cwd,
        env=environment(**extra),
        input=lines,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def used(*words: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must find something."""
    done = dspy_agent(*words, cwd=cwd, **extra)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done


def project(folder: Path) -> Path:
    """Make a project whose ``dates.py`` is what a search for ``parse date`` finds first."""
    folder.mkdir(exist_ok=True)
    (folder / "dates.py").write_text('def parse_date(text):\n    """Parse a date."""\n    return text\n')
    (folder / "use.py").write_text("import dates\n\n\ndef start():\n    return dates.parse_date('1 May')\n")
    (folder / "other.py").write_text("def shape():\n    return 'round'\n")
    return folder


def events(workspace: Path) -> list[LearningEvent]:
    """Return the events of a workspace, none of whose lines may be damaged."""
    reader = Reader(workspace / LOG_NAME)
    found = list(reader)
    assert not reader.passed_over
    return found


def brief(found: Iterable[LearningEvent]) -> list[tuple[Any, ...]]:
    """Return what matters most of each event: its tool, and the hits or the use."""
    return [
        (event.tool, *(event.outcome[name] for name in ("hits", "use", "path_rank") if name in event.outcome))
        for event in found
    ]
