"""What the systems are told of a bug: the output of a failing test, or plain words without its name."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from benchmarks.bugs.recipe import Bug
from benchmarks.bugs.scope import Source
from benchmarks.bugs.suite import run_suite

Kind = Literal["failing", "words"]
KINDS: Final[tuple[Kind, ...]] = ("failing", "words")
_LINES: Final = 25
_WIDTH: Final = 240


@dataclass(frozen=True, slots=True)
class Task:
    """``text`` is all that a system is told; ``test`` is the id in it (empty for words)."""

    bug: Bug
    kind: Kind
    text: str
    test: str


def task_of(bug: Bug, kind: Kind, folder: Path) -> Task:
    """Return the task for the package with the bug in ``folder``; runs one test for its output."""
    test = bug.failing[0]
    output = run_suite(folder, seconds=120, tests=[test]).output
    if kind == "failing":
        lines = [line.rstrip()[:_WIDTH] for line in output.strip().splitlines()]
        return Task(bug, kind, f"{test} fails:\n\n" + "\n".join(lines[-_LINES:]), test)
    return Task(bug, kind, in_words(bug, (folder / bug.path).read_bytes(), output), "")


def in_words(bug: Bug, content: bytes, output: str) -> str:
    """Return what should be, by the docstring around the bug, and what is seen instead, without names."""
    should = _documented(bug, content)
    seen = next((line[2:].strip() for line in output.splitlines() if line.startswith("E  ")), "It fails.")
    seen = re.sub(r"^(AssertionError: )?(assert )?", "", seen)
    text = f"It should: {should} But a check of that finds: {seen}"
    for name in sorted(
        {*bug.symbol.split("."), *re.findall(r"test_?\w+|\w+\.py", text)}, key=len, reverse=True
    ):
        text = re.sub(rf"\b{re.escape(name)}\b", "it", text)
    return text


def _documented(bug: Bug, content: bytes) -> str:
    """Return the first sentence of the innermost docstring around the bug."""
    tree = Source(content).tree
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.lineno <= bug.line <= (node.end_lineno or 0)
    ]
    for node in (*sorted(around, key=lambda one: one.lineno, reverse=True), tree):
        told = ast.get_docstring(node)
        if told:
            paragraph = " ".join(told.split("\n\n")[0].split())
            return re.split(r"(?<=[.!?]) ", paragraph)[0]
    return Path(bug.path).stem + "."
