"""Runs ``rg`` and reads what it answers. It gets the pattern that our own parser writes, not the user's."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import lru_cache
from typing import BinaryIO, cast

from dspy_agent.search.emit import for_ripgrep
from dspy_agent.search.matcher import LineMatcher
from dspy_agent.search.query import FileLines, Line, Query, show_line
from dspy_agent.search.reader import search_file

# The first version with the half-open word boundaries of -w.
OLDEST = (14, 0)
# Takes the rest of the line, so that a line is one match however often the pattern is in it.
_REST = r"(?-u:[^\n]*)"
# A message longer than this is not read: the own reader searches its file again, in little memory.
_LONGEST_MESSAGE = 8 << 20
_MESSAGE = re.compile(
    r"^rg: (?:.*?: IO error for operation on )?(?P<path>.*?): (?P<reason>.*?)(?: \(os error \d+\))?$"
)

OnError = Callable[[str, OSError], None]


class RipgrepFailed(Exception):
    """``rg`` can't run this search, for example because the pattern is too large for it."""


@lru_cache(1)
def find_ripgrep() -> str | None:
    """Return the path of an ``rg`` that is new enough, or None."""
    path = shutil.which("rg")
    if path is None:
        return None
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    version = re.match(r"ripgrep (\d+)\.(\d+)", said)
    return path if version and (int(version[1]), int(version[2])) >= OLDEST else None


def search_folder(query: Query, folder: str, on_error: OnError) -> Iterator[FileLines]:
    """Yield the files below the absolute ``folder`` that hold matching lines, in path order.

    Raises:
        RipgrepFailed: before anything is yielded.
    """
    rg = find_ripgrep()
    if rg is None:
        raise RipgrepFailed
    with tempfile.TemporaryFile() as patterns, tempfile.TemporaryFile() as messages:
        patterns.write(f"(?:{for_ripgrep(query.node)}){_REST}\n".encode())
        patterns.seek(0)
        command = [rg, *_options(query), "-f", "-", "--", os.path.relpath(folder, query.base)]
        with subprocess.Popen(
            command, cwd=query.base, stdin=patterns, stdout=subprocess.PIPE, stderr=messages
        ) as process:
            try:
                complete = yield from _read(cast(BinaryIO, process.stdout), query)
            finally:
                process.kill()  # no effect on one that has ended by itself
                process.wait()
        messages.seek(0)
        said = os.fsdecode(messages.read(1 << 20))
        if not complete:
            raise RipgrepFailed(said)
        for line in said.splitlines():
            if message := _MESSAGE.match(line):
                on_error(
                    os.path.normpath(os.path.join(query.base, message["path"])), OSError(0, message["reason"])
                )


def _options(query: Query) -> list[str]:
    options = [
        "--json",
        "--no-config",
        "--sort=path",
        "--case-sensitive",
        "--no-mmap",
        "--no-ignore-messages",
    ]
    options += ["--hidden"] if query.filters.hidden else []
    options += ["--no-ignore"] if query.filters.no_ignore else []
    options += [f"--glob={glob}" for glob in query.globs]
    if query.type_globs:
        options += [f"--type-add=wanted:{glob}" for glob in query.type_globs] + ["--type=wanted"]
    return options


def _read(stream: BinaryIO, query: Query) -> Generator[FileLines, None, bool]:
    """Yield what ``stream`` tells; return whether it came to its end."""
    limit = query.max_count or query.limit + 1
    lines: list[Line] | None = []
    while raw := stream.readline(_LONGEST_MESSAGE):
        kind = raw[9:14]  # {"type":"match"
        if not raw.endswith(b"\n"):
            lines = None
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(_LONGEST_MESSAGE)
        elif kind == b"match" and lines is not None and len(lines) < limit:
            data = json.loads(raw)["data"]
            lines.append(Line(data["line_number"], show_line(_bytes(data["lines"]))))
        elif kind == b"begin":
            lines = []
        elif kind[:3] == b"end":
            data = json.loads(raw)["data"]
            path = os.path.join(query.base, os.fsdecode(_bytes(data["path"])))
            if data["binary_offset"] is None:
                if lines is None:
                    lines = search_file(LineMatcher(query.node), path, limit)
                if lines:
                    yield FileLines(os.path.normpath(path), lines)
        elif raw.endswith(b'"type":"summary"}\n'):
            return True
    return False


def _bytes(data: dict[str, str]) -> bytes:
    return data["text"].encode() if "text" in data else base64.b64decode(data["bytes"])
