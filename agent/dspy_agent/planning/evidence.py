"""What a plan is made from: the code that ``intel`` finds and the key events of the logs, within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from dspy_agent.index.shared import current_index
from dspy_agent.model.data import as_data
from dspy_agent.tools.arguments import IntelArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.ctx import key_events
from dspy_agent.tools.intel import run as intel
from dspy_agent_core.contracts.results import Hit, LogEvent
from dspy_agent_core.errors import AgentError
from dspy_agent_core.logs.readable import readable

_HITS: Final = 12
_EVENTS: Final = 4
_EVENT: Final = 240
_SHOWN_HITS: Final = 5  # whose code is shown
_CODE: Final = 240


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a task.

    ``lines`` tell it, best first, ``files`` are the paths in them and ``known`` all paths of the index;
    ``notes``: what could not be asked.
    """

    lines: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def packed(self, characters: int) -> str:
        """Return as many lines as ``characters`` hold, marked as data."""
        kept: list[str] = []
        left = characters
        for line in self.lines:
            left -= len(line) + 1
            if left < 0:
                break
            kept.append(line)
        return as_data("\n".join(kept) or "(nothing was found)", characters, "evidence")


def evidence_for(task: str, context: ToolContext) -> Evidence:
    """Gather what the index and the logs know of ``task``."""
    notes: list[str] = []
    found = intel(IntelArguments(query=task, max_hits=_HITS), context)
    notes += found.notes or []
    events = _events(context, notes)
    lines = [*map(_event_line, events), *hit_lines(found.hits)]
    own = [event.frame.path for event in events if event.frame is not None]
    known = sorted(current_index(context.workspace).manifest.files)
    inside = frozenset(known)
    files = [path for path in dict.fromkeys([*own, *(hit.path for hit in found.hits)]) if path in inside]
    tests = [
        reason.split()[-1] for hit in found.hits for reason in hit.evidence or () if "tested by" in reason
    ]
    files += [path for path in dict.fromkeys(tests) if path in inside and path not in files]
    return Evidence(lines, files, known, notes)


def _events(context: ToolContext, notes: list[str]) -> list[LogEvent]:
    try:
        return key_events(context)[:_EVENTS]
    except AgentError as error:
        if error.code != "NoLogs":
            notes.append(f"Without logs: {error.message}")
        return []


def _event_line(event: LogEvent) -> str:
    return f"log: {' '.join(readable(event).split())[:_EVENT]}"


def hit_lines(hits: Sequence[Hit]) -> list[str]:
    """Return a line for each hit, as a model needs it: the place, its ties, how its code begins."""
    return [_hit_line(hit, _CODE if number < _SHOWN_HITS else 0) for number, hit in enumerate(hits)]


def _hit_line(hit: Hit, characters: int) -> str:
    place = f"{hit.path}:{hit.line}" if hit.line else hit.path
    ties = [reason for reason in hit.evidence or () if not reason.startswith("text ")][:2]
    told = f" ({'; '.join(ties)})" if ties else ""
    code = " ".join((hit.text or "").split())[:characters].rstrip()
    return f"{place} {hit.symbol or ''}".rstrip() + told + (f": {code}" if code else "")
