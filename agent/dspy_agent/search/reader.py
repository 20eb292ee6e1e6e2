"""The own reader: walks and searches without ripgrep, with equal results."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dspy_agent.search.matcher import LineMatcher
from dspy_agent.search.query import FileLines, Line, Query, show_line
from dspy_agent.workspace.files import BOMS_UTF16, decode_bom, open_regular
from dspy_agent.workspace.walk import walk

BLOCK = 4 << 20

OnError = Callable[[str, OSError], None]


def search_folder(query: Query, folder: str, on_error: OnError) -> Iterator[FileLines]:
    """Yield the files below the absolute ``folder`` that hold matching lines, in path order."""
    matcher = LineMatcher(query.node)
    for entry in walk(folder, base=query.base, filters=query.filters, on_error=on_error):
        if entry.kind == "file":
            try:
                lines = search_file(matcher, entry.path, query.max_count or query.limit + 1)
            except OSError as error:
                on_error(entry.path, error)
                continue
            if lines:
                yield FileLines(entry.path, lines)


def search_file(matcher: LineMatcher, path: str, limit: int) -> list[Line] | None:
    """Return at most ``limit`` matching lines of a file; None if it is binary, that is, has a NUL byte.

    Raises:
        OSError: if it can't be read, or is no regular file.
    """
    lines: list[Line] = []
    number = 1
    for block in _blocks(path):
        if b"\0" in block:
            return None
        if len(lines) < limit:
            for offset, line in matcher.find(block):
                lines.append(Line(number + offset, show_line(line)))
                if len(lines) == limit:
                    break
        number += block.count(b"\n")
    return lines


def _blocks(path: str) -> Iterator[bytes]:
    """Yield a file's bytes as UTF-8 in blocks that end at a line's end."""
    with open_regular(path) as file:
        data = file.read(BLOCK)
        if data[:2] in BOMS_UTF16:
            yield decode_bom(data + file.read())
            return
        data = decode_bom(data)
        parts: list[bytes] = []  # of a line that goes on
        while data:
            cut = data.rfind(b"\n") + 1
            if b"\0" in data:
                yield data  # binary: there is no need to read on
                return
            if cut:
                yield b"".join((*parts, data[:cut]))
                parts = []
            parts.append(data[cut:])
            data = file.read(BLOCK)
        yield b"".join(parts)
