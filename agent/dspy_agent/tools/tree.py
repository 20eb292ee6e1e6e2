"""``tree``: a folder and what is below it, with sizes and counts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from dspy_agent.tools.amounts import count, human_size
from dspy_agent.tools.arguments import TreeArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.ls import label, size_of
from dspy_agent.workspace.ignore import Filters
from dspy_agent.workspace.paths import confine, display, relative, require_folder
from dspy_agent.workspace.walk import walk
from dspy_agent_core.contracts.results import Skipped


@dataclass(slots=True)
class Node:
    """One entry. ``path`` is relative to the workspace, ``depth`` counts from 1.

    ``size`` (bytes) and ``files`` of a folder count everything below it that is not ignored.
    """

    path: str
    kind: str
    depth: int
    size: int = 0
    files: int | None = None


@dataclass(slots=True)
class Tree:
    """The entries below ``path`` in path order, and the sums over all of them. False if there are none."""

    path: str
    entries: list[Node] = field(default_factory=list)
    files: int = 0
    folders: int = 0
    size: int = 0
    truncated: bool | None = None
    skipped: list[Skipped] | None = None

    def __bool__(self) -> bool:
        return self.files + self.folders > 0


def run(arguments: TreeArguments, context: ToolContext) -> Tree:
    """Walk ``arguments.path``; entries deeper than ``arguments.depth`` are counted, not listed."""
    folder = confine(context.workspace, arguments.path)
    require_folder(folder, arguments.path)
    base = os.fspath(context.workspace)
    skipped: list[Skipped] = []
    tree = Tree(display(relative(context.workspace, folder)))
    above: list[Node] = []
    for entry in walk(
        os.fspath(folder),
        base=base,
        filters=Filters(hidden=arguments.all, no_ignore=arguments.all),
        on_error=lambda path, error: skipped.append(
            Skipped(display(relative(context.workspace, path)), (error.strerror or str(error)).lower())
        ),
    ):
        del above[entry.depth - 1 :]
        node = Node(display(entry.path[len(base) + (base != "/") :]), entry.kind, entry.depth)
        if entry.kind == "folder":
            node.files = 0
            tree.folders += 1
            above.append(node)
        else:
            node.size = size_of(entry.path, entry.kind) or 0
            tree.files += 1
            tree.size += node.size
            for parent in above:
                parent.size += node.size
                parent.files = (parent.files or 0) + 1
        if entry.depth <= arguments.depth:
            if len(tree.entries) < arguments.max_entries:
                tree.entries.append(node)
            else:
                tree.truncated = True
    tree.skipped = skipped or None
    return tree


def render(result: Tree, arguments: TreeArguments, console: Any) -> None:
    """Print the tree with indents, and the sums."""
    console.out(f"{result.path}/" if result.path != "." else ".")
    for node in result.entries:
        name = label(node.path.rpartition("/")[2], node.kind)
        facts = human_size(node.size)
        if node.files is not None:
            facts = f"{count(node.files, 'file')}, {facts}"
        console.out(f"{'  ' * node.depth}{name}  ({facts})")
    totals = (count(result.folders, "folder"), count(result.files, "file"), human_size(result.size))
    console.out(", ".join(totals))


def notes(result: Tree, arguments: TreeArguments) -> list[str]:
    """Say what is not in the tree."""
    said = []
    if unread := result.skipped:
        more = " …" if len(unread) > 1 else ""
        said.append(f"{count(len(unread), 'folder')} could not be read: {unread[0].path}{more}")
    if result.truncated:
        said.append(
            f"Only the first {len(result.entries):,} entries are listed; see --max-entries and --depth."
        )
    if not result:
        said.append(f"{result.path} holds no files that are not hidden or ignored.")
    return said
