"""A source file as text that goes back to bytes exactly as it was written, where nothing was changed."""

from __future__ import annotations

import io
import os
import tokenize
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from dspy_agent.code.parse import MAX_BYTES, parse_text
from dspy_agent.workspace.files import BOM_UTF8, BOMS_UTF16, open_regular
from dspy_agent.workspace.paths import confine, display, relative, unusable
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.structure import FileStructure, Symbol
from dspy_agent_core.errors import WorkspaceError

_EMPTY: Final = FileStructure("")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's ``text`` with its own line ends; ``encoding`` and ``bom`` are how its bytes were written."""

    path: str
    text: str
    encoding: str = "utf-8"
    bom: bytes = b""

    @property
    def language(self) -> str:
        """The language, by the file's name; "" if it is unknown."""
        return language_of(self.path) or ""

    @property
    def newline(self) -> str:
        """What ends most of its lines."""
        return "\r\n" if 2 * self.text.count("\r\n") > self.text.count("\n") else "\n"

    @property
    def lines(self) -> list[str]:
        """Its lines with their ends, counted as parsers do: only line feeds end one."""
        pieces = self.text.split("\n")
        return [f"{piece}\n" for piece in pieces[:-1]] + pieces[-1:] * bool(pieces[-1])

    @property
    def structure(self) -> FileStructure:
        """What it defines and imports; nothing if the language is unknown."""
        return structure_of(self.text, self.language)

    def symbol(self, qualified: str, line: int | None = None) -> Symbol | None:
        """Return the symbol of that qualified name: the one nearest to ``line``, else the last."""
        found = [symbol for symbol in self.structure.symbols if symbol.qualified == qualified]
        if line is not None:
            return min(found, key=lambda symbol: abs(symbol.line - line), default=None)
        return found[-1] if found else None

    def to_bytes(self, text: str) -> bytes:
        """Return ``text`` as this file would hold it.

        Raises:
            UnicodeEncodeError: the file's encoding lacks a character of it.
        """
        return self.bom + text.encode(self.encoding, "surrogateescape")


@lru_cache(64)
def structure_of(text: str, language: str) -> FileStructure:
    """Return the structure of ``text``; an empty one for a language that can't be parsed."""
    return parse_text(text, language) or _EMPTY


def read_source(workspace: Path, path: str) -> Source:
    """Return the file ``path`` of ``workspace``; its own path is relative to it and free of symlinks.

    Raises:
        WorkspaceError: it is outside, is missing, can't be read, is binary or too large to be a source.
    """
    place = confine(workspace, path)
    shown = relative(workspace, place)
    try:
        with open_regular(place, follow=False) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise unusable(display(shown), error) from None
    if len(data) > MAX_BYTES:
        raise _no_source(shown, "larger than a source file")
    return decode(shown, data)


def decode(path: str, data: bytes) -> Source:
    """Return ``data`` as the source ``path``.

    Raises:
        WorkspaceError: it is binary.
    """
    bom = next((mark for mark in (*BOMS_UTF16, BOM_UTF8) if data.startswith(mark)), b"")
    encoding = BOMS_UTF16.get(bom) or ("utf-8" if bom else _declared(path, data))
    try:
        source = Source(path, data[len(bom) :].decode(encoding, "surrogateescape"), encoding, bom)
        if source.to_bytes(source.text) != data:
            raise _no_source(path, "written in an encoding that would not stay as it is")
    except UnicodeError:
        raise _no_source(path, "not text") from None
    if "\0" in source.text:
        raise _no_source(path, "binary")
    return source


def _declared(path: str, data: bytes) -> str:
    """Return the encoding that a Python file declares, or UTF-8."""
    if language_of(path) == "python" and b"coding" in data[:400]:
        try:
            return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        except SyntaxError:
            return "utf-8"
    return "utf-8"


def _no_source(path: str, reason: str) -> WorkspaceError:
    return WorkspaceError(
        f"{display(os.fspath(path))} can't be edited: it is {reason}.",
        code="NotEditable",
        next="Name a source file with --file.",
    )
