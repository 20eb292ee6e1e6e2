"""Reads source files and makes segments of them, in this process or in several."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final

from dspy_agent.code.parse import MAX_BYTES, parse_text
from dspy_agent.workspace.files import decode_bom, open_regular
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.structure import split_lines
from dspy_agent_core.index.build import SegmentBuilder, SourceFile
from dspy_agent_core.index.codec import Arrays

HEAD: Final = 64 << 10  # bytes of a file that is too large, or data, that are indexed
_DATA_LANGUAGES: Final = frozenset(("json", "html", "css"))
_DATA_FILES: Final = re.compile(
    r"(?:\.(?:csv|tsv|lock|svg|xml|ipynb|po|pot|txt|log|jsonl|ndjson|map)|\.min\.\w+)$"
)
_LONG_LINE: Final = 5_000  # characters: minified, or data


@dataclass(frozen=True, slots=True)
class Extracted:
    """A segment's arrays, and for each of its files the path and the hash of its bytes, in order.

    ``same``: files whose hash was the one expected; ``left_out``: path → hash (0: unreadable), of files that
    hold no text; ``gone``: files that were removed meanwhile.
    """

    arrays: Arrays
    files: list[tuple[str, int]] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


def extract(workspace: str, files: Sequence[tuple[str, int]], *, plain: bool = False) -> Extracted:
    """Read ``files`` (relative path, hash of the bytes that are indexed already, or 0) and index them.

    Args:
        workspace: absolute.
        files: read one after the other.
        plain: as text without syntax.
    """
    builder = SegmentBuilder()
    result = Extracted({})
    for path, known in files:
        try:
            data, whole = _read(os.path.join(workspace, path))
        except (FileNotFoundError, NotADirectoryError):
            result.gone.append(path)
            continue
        except OSError:
            result.left_out[path] = 0
            continue
        digest = _hash(data)
        if digest == known:
            result.same.append(path)
            continue
        if not _add(builder, path, data, whole=whole, plain=plain):
            result.left_out[path] = digest
            continue
        result.files.append((path, digest))
    return replace(result, arrays=builder.arrays())


def _add(builder: SegmentBuilder, path: str, data: bytes, *, whole: bool, plain: bool) -> bool:
    """Add a file; return whether it is text. One that a parser fails on is taken as lines of text."""
    if not plain:
        try:
            source = to_source(path, data, whole)
            if source is not None:
                builder.add(source)
            return source is not None
        except Exception:  # noqa: S110 - one file's trouble is not the index's
            pass
    source = to_source(path, data, whole=False)
    if source is not None:
        builder.add(source)
    return source is not None


def _read(path: str) -> tuple[bytes, bool]:
    """Return a file's bytes, or of a large one the head, and whether that is all."""
    with open_regular(path, follow=False) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= MAX_BYTES:
            data = file.read(MAX_BYTES + 1)
            if len(data) <= MAX_BYTES:
                return data, True
            return data[:HEAD], False
        return file.read(HEAD), False


def read_lines(workspace: str, path: str) -> list[str]:
    """Return the lines of a file as they are indexed; none if it can't be read, or holds no text."""
    try:
        found = _text(path, *_read(os.path.join(workspace, path)))
    except OSError:
        return []
    return split_lines(found[0]) if found else []


def to_source(path: str, data: bytes, whole: bool) -> SourceFile | None:
    """Return a file as text with its structure; None if it is binary."""
    found = _text(path, data, whole)
    if found is None:
        return None
    text, language = found
    return SourceFile(path, text, parse_text(text, language) if language else None)


def _text(path: str, data: bytes, whole: bool) -> tuple[str, str | None] | None:
    """Return what is indexed of a file, and the language to parse it as: none for data, and for a head."""
    data = decode_bom(data)
    if b"\0" in data:
        return None
    language = language_of(path)
    if not whole or language in _DATA_LANGUAGES or _DATA_FILES.search(path) or _is_minified(data):
        return _head(data), None
    return data.decode("utf-8", "replace"), language


def _head(data: bytes) -> str:
    text = data[:HEAD].decode("utf-8", "replace")
    return "\n".join(line[:_LONG_LINE] for line in text.split("\n"))


def _is_minified(data: bytes) -> bool:
    if len(data) <= _LONG_LINE:
        return False
    lines = data.count(b"\n") + 1
    return len(data) / lines > 500 or (len(data) / lines > 200 and max(map(len, data.split(b"\n"))) > 20_000)


def _hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1
