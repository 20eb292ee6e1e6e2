"""What is new: files, and definitions that a task names and that a file lacks."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from dspy_agent.checkpoints.tree import checked
from dspy_agent.edits.answer import Rejected, code_blocks, require_whole
from dspy_agent.edits.clues import Clues
from dspy_agent.edits.python_answer import new_definitions
from dspy_agent.edits.python_file import bound_names, imports_end
from dspy_agent.edits.results import EditOptions
from dspy_agent.edits.source import Source, structure_of
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.errors import WorkspaceError

_ASKS: Final = re.compile(r"\b(?:add|create|write|make|new|introduce|generate|implement)\b", re.IGNORECASE)
_LARGEST: Final = 200_000


def new_file(task: str, clues: Clues, options: EditOptions, workspace: Path) -> str | None:
    """Return the path of the file that is to be written, if the task is about a new one.

    Raises:
        WorkspaceError: it lies where no edit may write, or its name is likely a slip.
    """
    for path in options.files:
        if not os.path.lexists(workspace / path):
            new = checked(path)
            near = "" if _ASKS.search(task) else _near(new, workspace)
            if near:
                raise WorkspaceError(
                    f"There is no {path} here.",
                    code="NotFound",
                    next=f"If you mean {near}: --file {shlex.quote(near)}; if it is new, say: create …",
                )
            return new
    if options.files or options.symbols or not _ASKS.search(task):
        return None
    for place in clues.places:
        path = place.path.removeprefix("./")
        inside = not path.startswith("/") and ".." not in path.split("/")
        free = inside and (workspace / path).parent.is_dir() and not os.path.lexists(workspace / path)
        if place.line is None and free:
            return checked(path)
    return None


def _near(path: str, workspace: Path) -> str:
    """Return the file beside ``path`` whose name has a letter more, less or elsewhere; "" if none has."""
    folder, _, name = path.rpartition("/")
    with suppress(OSError), os.scandir(workspace / folder) as entries:
        for entry in entries:
            if entry.is_file() and _is_slip(*sorted((name, entry.name), key=len)):
                return f"{folder}/{entry.name}".removeprefix("/")
    return ""


def _is_slip(short: str, long: str) -> bool:
    if len(short) == len(long):
        return sorted(short) == sorted(long)
    return len(long) == len(short) + 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def written_file(path: str, answer: str) -> bytes:
    """Return the file that ``answer`` holds.

    Raises:
        Rejected: it holds none that can be parsed.
    """
    blocks = code_blocks(answer)
    if not blocks:
        raise Rejected("it holds no code")
    language, reason = language_of(path) or "", Rejected("it can't be parsed")
    for block in blocks:
        text = block.strip("\n") + "\n"
        if len(text) > _LARGEST:
            reason = Rejected("it is too long")
        elif not structure_of(text, language).broken:
            require_whole(text, "")
            return text.encode()
    raise reason


def with_addition(source: Source, answer: str, task: str) -> bytes:
    """Return the Python file ``source`` with what ``answer`` defines and ``task`` names at its end.

    Raises:
        Rejected: there are none.
    """
    defined = bound_names(source.text)
    found = None
    named = frozenset(re.findall(r"[A-Za-z_]\w*", task)) - defined
    for block in code_blocks(answer):
        require_whole(block, "")
        with suppress(Rejected):
            found = new_definitions(block, named, defined, "    ")
        if found is None:
            continue
        definitions, imports = found
        lines, end = source.lines, source.newline
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += end
        while lines and not lines[-1].strip():
            lines.pop()
        head = imports_end(source.text) if imports else 0
        lines[head:head] = [line + end for line in imports]
        lines += [line + end for line in _apart(definitions)]
        text = "".join(lines)
        if structure_of(text, source.language).broken:
            raise Rejected("with it the file can't be parsed")
        return source.to_bytes(text)
    raise Rejected("it defines nothing that the task names")


def _apart(definitions: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    for lines in definitions:
        yield from ("", "", *lines)
