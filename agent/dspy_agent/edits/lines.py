"""Definitions with one line written anew: an answer is so short that many suspects can be tried."""

from __future__ import annotations

import re
from typing import Final

from dspy_agent.edits.answer import Rejected, code_blocks
from dspy_agent.edits.executed import Executed
from dspy_agent.edits.splice import Slot

_NOTHING_IN_IT: Final = re.compile(
    r"(?:else|try|finally|pass|continue|break|return)?\s*:?\s*(?:#.*)?|[\W_]*|@.*"
)
# What bugs of one line are made of, and what seldom holds one.
_DECIDES: Final = re.compile(
    r"[<>!=]=|[<>](?!=)|[-+*/%&|^](?!>)|\b(?:if|elif|while|not|and|or|in|is|return|yield|raise|True|False|range)\b"
    r"|\d|\[[^\]]*:"
)
_BEHIND: Final = 8  # places, for each step of plainness
_PLAIN: Final = re.compile(r"(?:with\b.*:|[\w.]+ = [\w.]+|(?:def|class|import|from|global|nonlocal)\b.*)")


def suspects(executed: Executed, slot: Slot, most: int) -> list[int]:
    """Return which of the slot's lines (from 0) may be wrong: failing tests run them; the likeliest first."""
    first = slot.symbol.line
    if slot.symbol.kind == "class":
        return []
    scores = executed.scores(slot.source.path, first + 1, slot.symbol.end_line)
    found = [line - first for line in sorted(scores, key=lambda line: (-scores[line], line))]
    found = [at for at in found if not _NOTHING_IN_IT.fullmatch(slot.lines[at].strip())]
    ranks = {at: rank for rank, at in enumerate(found)}
    return sorted(found, key=lambda at: (ranks[at] + _BEHIND * _plainness(slot.lines[at]), at))[:most]


def _plainness(line: str) -> int:
    """Return how little of what may be wrong a line has: 0 to 2."""
    bare = line.partition(" #")[0].strip()
    return 2 if _PLAIN.fullmatch(bare) else 0 if _DECIDES.search(bare) else 1


def with_line(slot: Slot, at: int, answer: str) -> str:
    """Return the whole definition, fenced, with line ``at`` as ``answer`` writes it.

    Raises:
        Rejected: the answer has no line, or the same one.
    """
    old = slot.lines[at]
    lines = [
        line
        for block in code_blocks(answer)[:1]
        for line in block.split("\n")
        if line.strip() and not line.lstrip().startswith("```")
    ]
    if not lines:
        raise Rejected("it holds no line")
    new = old[: len(old) - len(old.lstrip())] + lines[0].strip()
    if new.split() == old.split():
        raise Rejected("it is the line as it was")
    return "\n".join([f"```{slot.source.language}", *slot.lines[:at], new, *slot.lines[at + 1 :], "```"])
