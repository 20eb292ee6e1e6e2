"""What the tests of the code index share: the program, and an index made anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dspy_agent.index.folder import IndexFolder
from dspy_agent.index.index import Index
from dspy_agent.index.memory import MemoryFolder
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.query import parse_query
from dspy_agent_core.index.rank import search

PROGRAM = [sys.executable, "-c", "from dspy_agent.cli.main import main; main()"]
QUERIES = ("parse date", "alpha", "beta gamma", "delta_value", "class Shape", "Shape.area", "readme notes")


def environment(**extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DSPY_AGENT_", "XDG_"))}
    return {**kept, **extra}


def dspy_agent(
    *words: str, cwd: Path, before: Sequence[str] = (), timeout: float = 100, **extra: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, *PROGRAM, *words],
        cwd=cwd,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def report(*words: str, cwd: Path, **extra: str) -> dict[str, Any]:
    """Run a command with ``--json`` that must do well, and return its object."""
    done = dspy_agent(*words, "--json", cwd=cwd, **extra)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def found_paths(words: str, cwd: Path, **extra: str) -> list[str]:
    """Return the paths that ``esearch`` answers with, the best first."""
    done = dspy_agent("esearch", words, "--json", cwd=cwd, **extra)
    assert done.returncode in (0, 1), (done.returncode, done.stdout, done.stderr)
    return [hit["path"] for hit in json.loads(done.stdout).get("hits", [])]


def opened(workspace: Path, folder: Path | None = None) -> Index:
    """Return the index of ``workspace`` as it is kept on disk."""
    return Index(workspace, IndexFolder(folder or workspace / ".dspy_index"))


def answers(index: Index, queries: tuple[str, ...] = QUERIES) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that each query finds, in an order that does not depend on how the index came about."""
    found = {}
    for text in queries:
        hits = []
        for item in search(index.corpus, parse_query(text), 10_000):
            place = place_of(index.corpus, item.chunk)
            hits.append(
                (round(item.score, 9), place.path, place.line, place.end_line, place.symbol, item.why)
            )
        found[text] = sorted(hits)
    return found


def anew(workspace: Path) -> Index:
    """Return an index of ``workspace`` that knows nothing of the past."""
    index = Index(workspace, MemoryFolder())
    index.update()
    return index


def listed(index: Index) -> set[str]:
    """Return the files that the index has text of."""
    return {path for path, state in index.manifest.files.items() if state.segment >= 0}


def assert_current(index: Index, queries: tuple[str, ...] = QUERIES) -> None:
    """Compare ``index`` with one made anew."""
    fresh = anew(index.workspace)
    assert listed(index) == listed(fresh)
    assert answers(index, queries) == answers(fresh, queries)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for ``holds``."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
