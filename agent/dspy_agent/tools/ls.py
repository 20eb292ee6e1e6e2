"""``ls``: the entries of one folder, ignored and hidden ones included on request."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from dspy_agent.tools.arguments import LsArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.ignore import Filters
from dspy_agent.workspace.paths import confine, display, relative, require_folder, unusable
from dspy_agent.workspace.walk import walk
from dspy_agent_core.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Item:
    """An entry: ``kind`` is ``file``, ``folder``, ``symlink`` or ``other``; ``size`` of files in bytes."""

    name: str
    kind: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of the folder ``path``, sorted by name. False if it is empty."""

    path: str
    entries: list[Item] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.entries)


def run(arguments: LsArguments, context: ToolContext) -> Listing:
    """List ``arguments.path``.

    Raises:
        WorkspaceError: if it can't be read.
    """
    folder = confine(context.workspace, arguments.path)
    require_folder(folder, arguments.path)
    failures: list[WorkspaceError] = []
    entries = walk(
        os.fspath(folder),
        base=os.fspath(context.workspace),
        filters=Filters(hidden=arguments.all, no_ignore=arguments.all),
        max_depth=1,
        on_error=lambda path, error: failures.append(unusable(display(arguments.path), error)),
    )
    items = [Item(display(entry.name), entry.kind, size_of(entry.path, entry.kind)) for entry in entries]
    if failures:
        raise failures[0]
    return Listing(display(relative(context.workspace, folder)), items)


def size_of(path: str, kind: str) -> int | None:
    """Return a file's size in bytes, None for everything else and for what has vanished."""
    if kind != "file":
        return None
    try:
        return os.lstat(path).st_size
    except OSError:
        return None


def render(result: Listing, arguments: LsArguments, console: Any) -> None:
    """Print one entry a line, folders with a trailing slash."""
    for item in result.entries:
        console.out(label(item.name, item.kind))


def label(name: str, kind: str) -> str:
    """Return ``name`` with the mark of its kind, as ``ls -F`` has them."""
    return name + {"folder": "/", "symlink": "@", "other": "|"}.get(kind, "")


def notes(result: Listing, arguments: LsArguments) -> list[str]:
    """Say that nothing is there to list."""
    hint = "" if arguments.all else " but hidden or ignored ones, if any (see --all)"
    return [] if result else [f"{result.path} holds no entries{hint}."]
