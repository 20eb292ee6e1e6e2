"""What of a model's proposal can be an instruction. A small model often says something else."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Final

from dspy_agent.model.data import without_secrets

MOST: Final = 1200  # characters: it is read again with each question
_LEAST: Final = 24
_COPIED_WORDS: Final = 8
_MOST_REPEATED: Final = 5.0  # how much smaller zlib makes it; prose gets two times smaller
_FENCE: Final = re.compile(r"^```[^\n]*\n(.*?)\n?```\s*$", re.S)
_WHOSE: Final = r"(?:new|improved|better|revised|updated)"
_LABEL: Final = re.compile(
    rf"\s*(?:(?:here|this) is [^\n:]{{0,60}}:|[#*\s]*{_WHOSE}? ?instructions?\W{{0,4}}:)[*\s]*", re.I
)
_TAG: Final = re.compile(r"</?[a-z]+(?:-[0-9a-f]{6})?>", re.I)
_WORD: Final = re.compile(r"\w+")


class Rubbish(Exception):
    """The proposal is no instruction; says why."""


def clean_proposal(text: str, parent: str, data: Iterable[str]) -> str:
    """Return the instruction in ``text``.

    Args:
        text: what the model said.
        parent: the instruction that is to be made better.
        data: what stood in the examples; lines that copy it are left out, as they help with nothing else, and
            may be somebody's words to steer the agent with.

    Raises:
        Rubbish: there is none, or it is the parent's.
    """
    text = "".join(char if char == "\n" or char.isprintable() else " " for char in text).strip()
    if fenced := _FENCE.match(text):
        text = fenced[1]
    text = without_secrets(_TAG.sub("", _LABEL.sub("", text.strip(), count=1)).strip())
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    text = _cut(_without_copies(text, parent, data))
    if len(text) < _LEAST or sum(c.isalpha() or c.isspace() for c in text) < 0.6 * len(text):
        raise Rubbish("it is no text" if text else "it is empty")
    if len(text) / len(zlib.compress(text.encode())) > _MOST_REPEATED:
        raise Rubbish("it repeats itself")
    if _words(text) == _words(parent):
        raise Rubbish("it is the old one")
    return text


def _cut(text: str) -> str:
    """Return the whole lines, or sentences, of ``text`` that fit."""
    if len(text) <= MOST:
        return text.strip()
    kept = text[:MOST]
    end = max(kept.rfind("\n"), kept.rfind(". ") + 1)
    return kept[: end if end > 0 else kept.rfind(" ")].strip()


def _without_copies(text: str, parent: str, data: Iterable[str]) -> str:
    known = {window for part in data for window in _windows(part)} - set(_windows(parent))
    lines = [line for line in text.split("\n") if not known.intersection(_windows(line))]
    return "\n".join(lines)


def _windows(text: str) -> Iterable[tuple[str, ...]]:
    words = _words(text)
    return zip(*(words[start:] for start in range(_COPIED_WORDS)), strict=False)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
