"""``index``: reads the code of the workspace for the searches, and tells what the index holds."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dspy_agent.index.index import Index
from dspy_agent.index.shared import index_of, progress_line
from dspy_agent.index.update import Update
from dspy_agent.index.watch import follow as watch
from dspy_agent.tools.amounts import count, human_size
from dspy_agent.tools.arguments import IndexArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import display, relative
from dspy_agent_core.code.languages import language_of


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What the index holds, and what was just done.

    ``read``: files read anew; ``unchanged``: files whose time stamp changed and nothing else; ``removed``:
    files that are gone; ``not_text``: binary or unreadable ones, listed without content. ``languages``: files
    of each. False if it holds no file.
    """

    folder: str
    files: int
    chunks: int
    symbols: int
    languages: dict[str, int]
    bytes: int
    segments: int
    read: int = 0
    unchanged: int = 0
    removed: int = 0
    not_text: int = 0
    seconds: float | None = None
    notes: list[str] | None = None

    def __bool__(self) -> bool:
        return self.files > 0


def run(arguments: IndexArguments, context: ToolContext) -> IndexReport:
    """Bring the index up to date, or only tell of it."""
    index = index_of(context.workspace)
    if arguments.status:
        index.open()
        return _report(index, context, None, None)
    started = time.monotonic()
    progress = progress_line()
    done = (
        index.rebuild(progress=progress)
        if arguments.rebuild
        else index.update(progress=progress, thorough=True)
    )
    return _report(index, context, done, time.monotonic() - started)


def follow(arguments: IndexArguments, context: ToolContext) -> Iterator[IndexReport]:
    """Yield a report now and after each change of the files, until interrupted."""
    yield run(arguments, context)
    index = index_of(context.workspace)
    for done in watch(index, threading.Event()):
        yield _report(index, context, done, None)


def _report(index: Index, context: ToolContext, done: Update | None, seconds: float | None) -> IndexReport:
    manifest, corpus = index.manifest, index.corpus
    indexed = [path for path, state in manifest.files.items() if state.segment >= 0]
    languages = Counter(language_of(path) or "other" for path in indexed)
    done = done or Update()
    return IndexReport(
        folder=display(_shown(index.folder, context.workspace)),
        files=len(indexed),
        chunks=corpus.count,
        symbols=sum(int((s.alive & (s.arrays["names"] != 0)).sum()) for s in corpus.segments),
        languages=dict(languages.most_common()),
        bytes=sum(_size(index, name) for name in (*manifest.segments, "manifest")),
        segments=len(manifest.segments),
        read=done.read,
        unchanged=done.same,
        removed=done.gone,
        not_text=done.left_out,
        seconds=None if seconds is None else round(seconds, 3),
        notes=list(index.notes) or None,
    )


def _shown(folder: Path, workspace: Path) -> str:
    return relative(workspace, folder) if folder.is_relative_to(workspace) else os.fspath(folder)


def _size(index: Index, name: str) -> int:
    try:
        return (index.folder / name).stat().st_size
    except OSError:
        return 0


def render(result: IndexReport, arguments: IndexArguments, console: Any) -> None:
    """Print what it holds, then what was done."""
    if not result:
        return
    took = f" in {result.seconds:.1f} s" if result.seconds is not None else ""
    done = [
        f"{number:,} {what}"
        for number, what in (
            (result.read, "read"),
            (result.unchanged, "touched, not changed"),
            (result.removed, "removed"),
            (result.not_text, "without text"),
        )
        if number
    ]
    if not arguments.status:
        console.out(f"{', '.join(done) or 'nothing changed'}{took}")
    console.out(
        f"{count(result.files, 'file')}, {count(result.symbols, 'symbol')}, {count(result.chunks, 'chunk')}: "
        f"{human_size(result.bytes)} in {result.folder}"
    )
    if not done or arguments.status:
        console.out("  " + ", ".join(f"{name} {number:,}" for name, number in result.languages.items()))


def notes(result: IndexReport, arguments: IndexArguments) -> list[str]:
    """Say what is to be known of the index."""
    said = list(result.notes or ())
    if not result:
        said.append(
            "There is no index yet. Build it with: dspy-agent index"
            if arguments.status
            else "There is no text to index in this workspace."
        )
    return said
