"""Which changes the user's own words ask for. Plain rules, so that nothing that is read can widen them.

An order stands at the beginning of a sentence or clause (``fix the crash``, ``please rename …``,
``… and run the tests``). A question (``why does it fail to update?``) orders nothing, nor does what is
quoted or pasted as a block.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["edit", "run", "apply", "undo"]

_VERBS: Final[dict[Kind, str]] = {
    "edit": "fix|change|add|rename|remove|delete|refactor|implement|write|create|edit|update|replace|make|"
    "convert|move|correct|mend|repair|rewrite|simplify|bump|drop|introduce|extend|improve|let|port|inline|solve|resolve",
    "run": "run|rerun|execute|test|verify|build|lint",
    "apply": "apply|land|commit to|accept",
    "undo": "undo|revert|roll back|take back|restore",
}
_BEFORE: Final = (
    r"(?:please|now|then|and|also|just|first|finally|so|but|or|let's|i want (?:you )?to|i need (?:you )?to"
    r"|you (?:must|should|may|can)|(?:can|could|would|will) you(?: please)?|help me(?: to)?|try to|to|go)"
)
_ORDERS: Final = {
    kind: re.compile(rf"(?:^|[.;:,!?\n]\s*|\b{_BEFORE}\s+){_BEFORE}?\s*(?:{verbs})\b", re.I)
    for kind, verbs in _VERBS.items()
}
_QUESTION: Final = re.compile(
    r"\s*(?:what|why|where|when|which|who|whose|how|is|are|was|were|do|does|did|has|have|explain|show|tell|list)\b",
    re.I,
)
_BLOCK: Final = re.compile(r"```.*?(?:```|\Z)|^[ \t]*>.*$|\"[^\"\n]*\"|`[^`\n]*`|'[^'\n]{12,}'", re.S | re.M)
_FORBIDS: Final = re.compile(
    r"(?i)\b(?:don'?t|do not|never|without)\s+(?:\w+\s+){0,2}?"
    r"(?:chang|edit|modif|touch|writ|appl|fix|run|execut|delet|remov)\w*"
)
_IMPLIED: Final[dict[Kind, tuple[Kind, ...]]] = {"edit": ("run", "apply")}


def asked_for(task: str) -> frozenset[Kind]:
    """Return the kinds of change that ``task`` orders. An edit includes its test and its landing."""
    own = _BLOCK.sub(" ", task)
    if _FORBIDS.search(own):
        return frozenset()
    sentences = [one for one in re.split(r"(?<=[.!?])\s+|\n+", own) if one.strip()]
    orders = [sentence for sentence in sentences if not _QUESTION.match(sentence)]
    asks = [*orders, *(tail for sentence in sentences if (tail := _after_question(sentence)))]
    found = {kind for kind, pattern in _ORDERS.items() if any(pattern.search(one) for one in asks)}
    return frozenset(found | {more for kind in found for more in _IMPLIED.get(kind, ())})


def _after_question(sentence: str) -> str:
    """Return what is ordered after a question in the same sentence: ``why does it fail, and fix it``."""
    if not _QUESTION.match(sentence):
        return ""
    found = re.search(r"[,;]\s*(?:and |then |and then )(.*)", sentence, re.S | re.I)
    return found[1] if found else ""
