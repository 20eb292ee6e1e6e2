"""Reads the corpus: real programs that fail, or what they printed elsewhere, with what must be told of each.

A section of a ``.txt`` file::

    === name | command | command that builds it
    ! type | message | function@mark | cause @mark ; cause
    ---
    source, with «mark» behind the lines that the labels name

Without a command the text is what a program printed where it can't be run here, and a place is
``function@path:line``. A type ``-`` is a line that must be shown without one. A word that ends in ``?``
says that the part isn't checked.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_MARK = re.compile(r"«(\w+)»")


@dataclass(frozen=True)
class Place:
    """Where an exception comes from. ``path`` is the end of what the log names."""

    path: str
    line: int
    function: str | None


@dataclass(frozen=True)
class Shown:
    """One event that must be shown. ``causes`` are beginnings and lines of what is shown as causes."""

    type: str | None
    message: str
    place: Place | None
    causes: tuple[tuple[str, int | None], ...] = ()


@dataclass(frozen=True)
class Case:
    """A program (``command`` runs it in a folder with ``file``) or, without a command, its output."""

    name: str
    language: str
    command: tuple[str, ...]
    build: tuple[str, ...]
    file: str
    text: str
    shown: tuple[Shown, ...]


@cache
def cases() -> list[Case]:
    """Return all cases, those of a file behind each other."""
    found = [
        _case(path.stem, section)
        for path in sorted(HERE.glob("*.txt"))
        for section in re.split(r"^=== ", path.read_text(), flags=re.M)[1:]
    ]
    names = [case.name for case in found]
    assert len(set(names)) == len(names), "names of cases differ"
    return found


def _case(language: str, section: str) -> Case:
    head, _, text = section.partition("\n---\n")
    title, *labels = head.split("\n")
    name, command, build = (part.strip() for part in f"{title} |  | ".split(" | ", 2))
    words, built = (
        tuple(sys.executable if word == "{python}" else word for word in shlex.split(part.strip(" |")))
        for part in (command, build)
    )
    file = (built or words or ("",))[-1]
    marks = {mark: number for number, line in enumerate(text.split("\n"), 1) for mark in _MARK.findall(line)}
    shown = tuple(_shown(label.removeprefix("! "), marks, file) for label in labels)
    return Case(name, language, words, built, file, _MARK.sub("", text) if words else text, shown)


def _shown(label: str, marks: dict[str, int], file: str) -> Shown:
    parts = [part.strip() for part in re.split(r" \|(?= |$)", label)]
    kind, message, place, causes = (*parts, "", "", "")[:4]
    return Shown(
        None if kind == "-" else kind,
        message.replace("\\n", "\n"),
        _place(place, marks, file),
        tuple(_cause(cause.strip(), marks) for cause in causes.strip(" |").split(" ; ") if cause.strip()),
    )


def _place(text: str, marks: dict[str, int], file: str) -> Place | None:
    if "@" not in text:
        return None
    function, _, where = text.rpartition("@")
    path, _, line = where.rpartition(":")
    return Place(path or file, marks[line] if not path else int(line), function or None)


def _cause(text: str, marks: dict[str, int]) -> tuple[str, int | None]:
    words, _, mark = text.rpartition(" @")
    if not words:
        return text.replace("\\n", "\n"), None
    return words.replace("\\n", "\n"), marks[mark] if mark in marks else int(mark)
