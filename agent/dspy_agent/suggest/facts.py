"""What the words of a task name in this workspace: a path, a symbol, text in the code, logs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from dspy_agent.code.queries import QUERIES
from dspy_agent.suggest import vocabulary
from dspy_agent.suggest.surroundings import Surroundings, look_around
from dspy_agent.tools.arguments import GrepArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.registry import BY_NAME
from dspy_agent.workspace.paths import confine
from dspy_agent_core.errors import AgentError

_WORD = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*|\d{3,}")
_CONTRACTION = re.compile(r"\b\w+['’](?:t|s|re|ve|ll|d|m)\b")
_PATH = re.compile(r"[\w./@+-]*[\w-]\.[A-Za-z]\w{0,7}(?::\d+)?|[\w.@+-]+(?:/[\w.@+-]+)+/?|[\w.@+-]+/")
_STOP_TEXT: Final = """
    a about after all also an and any are as at be because been before being but by can code could
    did do does doing don done each file files find fix for from function class get give go had has
    have help here how i if in into is isn it its just know let like line list look made make me
    method more most my need no not now of off on one or our out over please see set should show so
    some tell than that the their them then there these they thing things this to up us use used
    uses using want was way we were what when where which while who why will with work works would
    you your add change new old test tests explain understand check defined definition
"""
_STOP: Final = frozenset(_STOP_TEXT.split())
_MAX_WORDS: Final = 8
_MAX_HITS: Final = 2000
_KEYWORDS = "def|class|func|function|fn|struct|interface|trait|enum|type|module|const|let|var|void|int"
_MAY_DEFINE = rf"(?:\b(?:{_KEYWORDS})|\))\s"  # without repeats: quick, also without ripgrep
_DEFINES = rf"\b(?:{_KEYWORDS})\s+(?:\([^)]*\)\s*)?"


class Facts:
    """Facts about ``text`` in ``workspace``, each looked up once, when asked for."""

    def __init__(self, text: str, workspace: Path, logs: tuple[Path, ...]) -> None:
        self._text = text[:2000]
        self._workspace = workspace
        self._logs = logs

    @property
    def text(self) -> str:
        """The task's words."""
        return self._text

    @cached_property
    def said(self) -> Mapping[str, tuple[str, ...]]:
        """The task's words of each kind."""
        return vocabulary.said(self._text)

    @property
    def around(self) -> Surroundings:
        """The state of the workspace now."""
        return look_around(self._workspace, self._logs)

    @cached_property
    def path(self) -> str | None:
        """The first file of the workspace that the text names."""
        return next(filter(self._is_file, self._places()), None)

    @cached_property
    def folder(self) -> str | None:
        """The first folder of the workspace that the text names."""
        return next(filter(self._is_folder, self._places()), None)

    def _places(self) -> Iterator[str]:
        for match in _PATH.finditer(self._text):
            yield re.sub(r":\d+$", "", match[0].rstrip("/.,:;"))

    def _is_file(self, name: str) -> bool:
        try:
            return confine(self._workspace, name).is_file()
        except (AgentError, OSError, ValueError):
            return False

    def _is_folder(self, name: str) -> bool:
        try:
            return bool(name) and confine(self._workspace, name).is_dir()
        except (AgentError, OSError, ValueError):
            return False

    @cached_property
    def words(self) -> list[str]:
        """The words that may stand in code: those that look like identifiers first."""
        text = _CONTRACTION.sub(" ", self._text)
        found = [w for w in dict.fromkeys(_WORD.findall(text)) if len(w) > 2 and w.lower() not in _STOP]
        return sorted(found, key=lambda word: not looks_like_code(word))[:_MAX_WORDS]

    @cached_property
    def symbol(self) -> str | None:
        """The first word that is defined in the workspace; with what it belongs to, if that is too."""
        chains = [word.split(".") for word in self.words]
        defined = self._defined({name for chain in chains for name in chain[-2:]}) if chains else set()
        for *before, name in chains:
            if name in defined:
                return ".".join([owner for owner in before[-1:] if owner in defined] + [name])
        return None

    @cached_property
    def rarest(self) -> tuple[str, int] | None:
        """The word that the fewest lines have, and how many lines; None if no line has any."""
        counts = self._counts(self.words) if self.words else {}
        coded = {w: n for w, n in counts.items() if looks_like_code(w)} or counts
        return min(coded.items(), key=lambda pair: (pair[1], -len(pair[0]))) if coded else None

    def _defined(self, names: Collection[str]) -> set[str]:
        """Return which of ``names`` the workspace defines."""
        pattern = rf"{_MAY_DEFINE}(?:{'|'.join(map(re.escape, sorted(names)))})\b"
        hits = self._grep(
            GrepArguments(pattern=pattern, case_sensitive=True, max_hits=_MAX_HITS, types=list(QUERIES))
        )
        return {name for name in names for text in hits if re.search(rf"{_DEFINES}{re.escape(name)}\b", text)}

    def _counts(self, words: Sequence[str]) -> Mapping[str, int]:
        """Return how many lines of the workspace have each of ``words``, where any has it."""
        pattern = "|".join(map(re.escape, words))
        hits = self._grep(
            GrepArguments(pattern=pattern, word_regexp=True, case_sensitive=True, max_hits=_MAX_HITS)
        )
        counts: Counter[str] = Counter()
        for text in hits:
            counts.update(w for w in words if re.search(rf"(?<!\w){re.escape(w)}(?!\w)", text))
        return counts

    def _grep(self, arguments: GrepArguments) -> list[str]:
        try:
            found = BY_NAME["grep"].load_run()(arguments, ToolContext(self._workspace, self._logs))
        except AgentError:
            return []
        return [hit.text or "" for hit in found.hits]


def looks_like_code(word: str) -> bool:
    """Return whether ``word`` is written as identifiers are (``a_b``, ``aB``, ``a.b``) and words are not."""
    return "_" in word or "." in word or any(char.isupper() for char in word[1:])
