"""The lessons of a workspace on disk: bounded, without doubles and secrets, written whole or not at all.

A head line with the version, then a lesson a line, oldest first. A damaged line is passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from dspy_agent.learning.exclude import keep_from_git
from dspy_agent.learning.locked import lock_soon
from dspy_agent.memory.lesson import MOST_NAMES, MOST_TEXT, Kind, Lesson, decode, encode, lesson_id
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import WorkspaceError

NAME: Final = ".dspy_memory.jsonl"
MOST_LESSONS: Final = 200
_VERSION: Final = 1
_MOST_BYTES: Final = 1 << 20


def lessons(workspace: Path) -> list[Lesson]:
    """Return all lessons, oldest first; none where there is no file, or one of another version."""
    try:
        return _read(workspace / NAME)
    except (OSError, WorkspaceError):
        return []


def learn(
    workspace: Path,
    kind: Kind,
    text: str,
    *,
    paths: Iterable[str] = (),
    symbols: Iterable[str] = (),
    source: str,
) -> Lesson | None:
    """Note a lesson from what happened. Nothing that goes wrong here disturbs the caller: None then.

    ``DSPY_AGENT_LEARNING=off`` turns it off.
    """
    if os.environ.get("DSPY_AGENT_LEARNING", "").lower() == "off":
        return None
    with contextlib.suppress(OSError, WorkspaceError):
        return remember(workspace, kind, text, paths=paths, symbols=symbols, source=source)
    return None


def remember(
    workspace: Path,
    kind: Kind,
    text: str,
    *,
    paths: Iterable[str] = (),
    symbols: Iterable[str] = (),
    source: str = "user",
) -> Lesson:
    """Note a lesson; one that says the same is counted instead.

    Raises:
        WorkspaceError: ``NewerMemory``, or ``EmptyLesson``.
        OSError: it can't be written.
    """
    from dspy_agent.model.data import without_secrets

    text = without_secrets(" ".join(text.split()))[:MOST_TEXT].strip()
    if not text:
        raise WorkspaceError("The lesson is empty.", code="EmptyLesson", next="memory --add 'TEXT'")
    now = round(time.time(), 3)
    made = Lesson(
        lesson_id(kind, text), kind, text, _few(paths), _few(symbols), source[:64], first=now, last=now
    )

    def change(found: list[Lesson]) -> list[Lesson]:
        nonlocal made
        same = next((lesson for lesson in found if lesson.id == made.id), None)
        if same is not None:
            made = replace(
                same,
                paths=_few([*made.paths, *same.paths]),
                symbols=_few([*made.symbols, *same.symbols]),
                source="user" if "user" in (source, same.source) else source[:64],
                seen=same.seen + 1,
                last=now,
            )
        return [*(lesson for lesson in found if lesson.id != made.id), made]

    _change(workspace, change)
    return made


def forget(workspace: Path, id: str) -> Lesson | None:
    """Forget a lesson and return it; None if there is none of that id.

    Raises:
        WorkspaceError: ``NewerMemory``.
        OSError: it can't be written.
    """
    gone: list[Lesson] = []

    def change(found: list[Lesson]) -> list[Lesson]:
        gone.extend(lesson for lesson in found if lesson.id == id)
        return [lesson for lesson in found if lesson.id != id]

    if any(lesson.id == id for lesson in _read(workspace / NAME)):
        _change(workspace, change)
    return gone[0] if gone else None


def _change(workspace: Path, change: Callable[[list[Lesson]], list[Lesson]]) -> None:
    """Replace the lessons by what ``change`` makes of them, while no other process does."""
    path = workspace / NAME
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    lock = os.open(path.with_name(f"{NAME}.lock"), flags, 0o644)
    try:
        lock_soon(lock)
        found = _read(path)
        if not path.exists():
            keep_from_git(workspace, f"{NAME}*")
        kept = _bounded(change(found))
        head = json.dumps({"schema_version": _VERSION}).encode()
        write_atomic(path, [line + b"\n" for line in (head, *map(encode, kept))])
    finally:
        os.close(lock)


def _read(path: Path) -> list[Lesson]:
    try:
        with open_regular(path, follow=False) as file:
            lines = file.read(_MOST_BYTES).split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    if lines and (version := _version(lines[0])) is not None and version != _VERSION:
        raise WorkspaceError(
            f"{NAME} is of another version ({version}).",
            code="NewerMemory",
            next=f"Use the program that wrote it, or move {NAME} away.",
        )
    found = {lesson.id: lesson for line in lines if (lesson := decode(line)) is not None}
    return list(found.values())


def _version(head: bytes) -> object:
    try:
        data = json.loads(head)
        return data.get("schema_version") if isinstance(data, dict) else None
    except (ValueError, RecursionError):
        return None


def _bounded(found: Sequence[Lesson]) -> list[Lesson]:
    """Return the lessons that stay: what the user said first, then what was seen often and lately."""
    if len(found) <= MOST_LESSONS:
        return list(found)
    ranked = sorted(found, key=lambda lesson: (lesson.source == "user", min(lesson.seen, 5), lesson.last))
    stay = {lesson.id for lesson in ranked[-MOST_LESSONS:]}
    return [lesson for lesson in found if lesson.id in stay]


def _few(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name[:200] for name in names))[:MOST_NAMES]
