"""Mends small bugs without a model: neighbours of suspicious code, screened by the failing tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from dspy_agent.edits.locate import Looked, Tell
from dspy_agent.edits.mutations import Mutation, mutations
from dspy_agent.edits.results import Candidate, Located
from dspy_agent.edits.screen import screen
from dspy_agent.edits.source import read_source
from dspy_agent.edits.traced import python_with_pytest
from dspy_agent_core.errors import AgentError

_SYMBOLS: Final = 10
_MOST: Final = 1500  # changes
_MOST_TESTS: Final = 20
_MOST_KEPT: Final = 30


def mechanical(
    workspace: Path, looked: Looked, left: Callable[[], float], tell: Tell, *, guessed: bool
) -> Iterator[Candidate]:
    """Yield small changes with which the failing tests pass; the likeliest first.

    Args:
        workspace: it is only read.
        looked: where the bug may be, and what the tests run.
        left: how many seconds may still be spent.
        tell: is told of the progress.
        guessed: only what no code of the file says; else only what is not guessed.
    """
    failing = looked.executed.failing[:_MOST_TESTS]
    tests = [*failing, *looked.executed.passing_near(failing, _MOST_KEPT)]
    python = python_with_pytest(workspace) if failing else None
    if python is None:
        return
    waiting = _likeliest(workspace, looked, guessed)
    while waiting and (seconds := left()) > 0:
        tell(f"trying {len(waiting)} small changes on the tests")
        found = screen(workspace, python, tests, waiting, seconds)
        if found is None:
            return
        made, waiting = found
        yield _candidate(workspace, made, looked.located)


def _likeliest(workspace: Path, looked: Looked, guessed: bool) -> list[Mutation]:
    scores: dict[str, dict[int, float]] = {}
    for one in looked.located[:_SYMBOLS]:
        if one.path.endswith(".py"):
            lines = looked.executed.scores(one.path, one.line, one.end_line)
            scores.setdefault(one.path, {}).update(lines)
    found: list[Mutation] = []
    for path, lines in scores.items():
        try:
            made = mutations(path, read_source(workspace, path).text, lines)
            found += [one for one in made if one.guessed == guessed]
        except AgentError:
            continue
    return sorted(found, key=lambda one: one.cost)[:_MOST]


def _candidate(workspace: Path, made: Mutation, located: tuple[Located, ...]) -> Candidate:
    source = read_source(workspace, made.path)
    text = made.applied(source.text)
    around = next(one for one in located if one.path == made.path and one.line <= made.line <= one.end_line)
    return Candidate(
        0,
        made.path,
        around.symbol,
        {made.path: source.to_bytes(text)},
        lines=(around.line, around.end_line),
        answer=text.split("\n")[made.line - 1],
        mechanical=True,
        guessed=made.guessed,
    )
