"""Which lessons fit a task: by its words, each worth more the fewer lessons have it, and by the paths."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from dspy_agent.memory.lesson import Lesson
from dspy_agent.memory.store import lessons

_WORD: Final = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])|\d{2,}")
_STOP_TEXT: Final = """
    the and for with that this from into when where what why how not but are was were will can does did
    has have had its use used uses using after before there then them they all any one two out
"""
_STOP: Final = frozenset(_STOP_TEXT.split())
_SAME_PATH: Final = 4.0
_SAME_FOLDER: Final = 1.0
_SAME_SYMBOL: Final = 3.0
_ALWAYS: Final = 0.5  # what somebody prefers fits everywhere, if there is room
_ENOUGH: Final = 0.5


def lessons_for(workspace: Path, task: str, paths: Iterable[str] = (), limit: int = 5) -> list[Lesson]:
    """Return the lessons that fit ``task`` and ``paths`` (relative to the workspace) best, best first."""
    known = lessons(workspace)
    if not known:
        return []
    words = {lesson.id: _words(lesson.text, *lesson.paths, *lesson.symbols) for lesson in known}
    common = Counter(word for found in words.values() for word in found)
    asked, touched = _words(task), frozenset(paths)
    names = frozenset(re.findall(r"[\w.]+", task))

    def score(lesson: Lesson) -> float:
        shared = sum(math.log(1 + len(known) / common[word]) for word in asked & words[lesson.id])
        told = shared / math.sqrt(1 + len(words[lesson.id]))
        always = _ALWAYS if lesson.kind == "preference" and not (lesson.paths or lesson.symbols) else 0.0
        symbols = _SAME_SYMBOL if names.intersection(lesson.symbols) else 0.0
        return told + always + symbols + _by_path(lesson.paths, touched)

    scored = [(score(lesson), lesson) for lesson in known]
    fitting = [pair for pair in scored if pair[0] >= _ENOUGH]
    fitting.sort(key=lambda pair: (-pair[0], -pair[1].seen, -pair[1].last, pair[1].id))
    return [lesson for _, lesson in fitting[:limit]]


def as_lines(found: Sequence[Lesson], characters: int = 600) -> str:
    """Return lessons as lines for a prompt, as many whole ones as ``characters`` hold."""
    lines: list[str] = []
    for lesson in found:
        line = f"- {lesson.kind}: {lesson.text}"
        characters -= len(line) + 1
        if characters < 0:
            break
        lines.append(line)
    return "\n".join(lines)


def _words(*texts: str) -> frozenset[str]:
    found = (match[0].lower() for text in texts for match in _WORD.finditer(text))
    return frozenset(_stem(word) for word in found if len(word) > 2 and word not in _STOP)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _by_path(mine: Sequence[str], touched: frozenset[str]) -> float:
    if touched.intersection(mine):
        return _SAME_PATH
    folders = {str(PurePosixPath(path).parent) for path in touched} - {"."}
    return _SAME_FOLDER if folders.intersection(str(PurePosixPath(path).parent) for path in mine) else 0.0
