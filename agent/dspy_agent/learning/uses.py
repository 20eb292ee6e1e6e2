"""What counts as a use: a shown hit that is opened or edited within the hour, told once for each search."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from dspy_agent.learning.event import Choice, Event, Scalar, new_decision_id, new_event
from dspy_agent.learning.memory import Memory, Range, Search, Shown
from dspy_agent.workspace.paths import display, relative

WITHIN_SECONDS: Final = 3600.0
MOST_EDITED: Final = 50  # more files that change at once are another branch, not edits
USER: Final = ("user", "1")
_MOST_NAMED: Final = 20

Place = tuple[str, Range | None]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of ``tool``: what went in and came out (None: it failed), how long it took, and who chose it.

    Where a policy suggested it also the decision's id, what the policy knew (``features``), what could not be
    chosen (``mask``), how likely it was to choose this tool (``propensity``), and what else came of it
    (``outcome``).
    """

    tool: str
    arguments: Any
    result: Any
    cost_ms: float
    source: str
    policy: tuple[str, str] = USER
    features: Mapping[str, float] = field(default_factory=dict)
    mask: tuple[str, ...] = ()
    outcome: Mapping[str, Scalar] = field(default_factory=dict)
    decision_id: str = ""
    propensity: float | None = None


def shown(memory: Memory, run: Run, workspace: Path, now: float) -> Event:
    """Return the event of ``run``, and remember what it showed."""
    places = _places(run.result)
    choice = Choice(run.decision_id or new_decision_id(), run.tool, memory.hash_of(run.arguments), run.policy)
    memory.add(choice, now, places)
    return new_event(
        choice,
        {"hits": _found(run.result, places), **_ended(run), **run.outcome},
        id=choice.decision_id,
        workspace=workspace,
        source=run.source,
        cost_ms=run.cost_ms,
        features=run.features,
        mask=run.mask,
        propensity=run.propensity,
    )


def opened(memory: Memory, run: Run, workspace: Path, now: float) -> list[Event]:
    """Return an event for each remembered hit that ``run`` opens; a search run again opens none of its."""
    tell = partial(new_event, workspace=workspace, source=run.source, cost_ms=run.cost_ms)
    same = (run.tool, memory.hash_of(run.arguments))
    found: list[Event] = []
    for path, lines in opens(run, workspace):
        for search, rank, hit in _unused(memory, path, "opened"):
            seconds = now - search.ts
            if 0 <= seconds <= WITHIN_SECONDS and (search.choice.tool, search.choice.args_hash) != same:
                outcome = {**_outcome("opened", rank, seconds), "tool": run.tool}
                if lines and hit.lines:
                    outcome["same_lines"] = any(_meet(lines, other) for other in hit.lines)
                found.append(_use(search, hit, outcome, tell))
    return found


def edited(memory: Memory, paths: Sequence[str], workspace: Path, now: float) -> list[Event]:
    """Return an event for each remembered hit among ``paths``, whose content changed since it was shown."""
    tell = partial(new_event, workspace=workspace, source="index")
    found: list[Event] = []
    for path in paths if len(paths) <= MOST_EDITED else ():
        for search, rank, hit in _unused(memory, display(path), "edited"):
            try:
                seconds = min((workspace / path).stat().st_mtime, now) - search.ts
            except OSError:
                break
            if 0 <= seconds <= WITHIN_SECONDS:
                found.append(_use(search, hit, _outcome("edited", rank, seconds), tell))
    return found


def _unused(memory: Memory, path: str, use: str) -> Iterator[tuple[Search, int, Shown]]:
    """Yield the searches that showed ``path``, its rank and what is known of it, where the use is new."""
    for search in memory.that_showed(path):
        for rank, hit in enumerate(search.hits, 1):
            if hit.path == path and use not in hit.told:
                yield search, rank, hit


def _outcome(use: str, rank: int, seconds: float) -> dict[str, Scalar]:
    return {"use": use, "path_rank": rank, "seconds": round(seconds, 3)}


def _use(search: Search, hit: Shown, outcome: dict[str, Scalar], tell: Callable[..., Event]) -> Event:
    hit.told.append(str(outcome["use"]))
    id = f"{search.choice.decision_id}-{outcome['use']}-{outcome['path_rank']}"
    return tell(search.choice, outcome, id=id)


def _meet(one: Range, other: Range) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _places(result: Any) -> list[Place]:
    """Return the places that a result shows, best first."""
    if hasattr(result, "hits"):
        return [_place(hit) for hit in result.hits]
    if not hasattr(result, "also_defined"):
        return []
    found = _described(result)
    found += [_place(hit) for hit in (*(result.also_defined or ()), *(result.used_by or ()))]
    return found + [(path, None) for path in result.tests or ()]


def _found(result: Any, places: Sequence[Place]) -> int:
    """Return how much was found: places, log events, steps of a plan; 1 for what is there or not."""
    counted = getattr(result, "events", None) or getattr(result, "steps", None)
    return len(places) or (len(counted) if isinstance(counted, list | tuple) else int(bool(result)))


def _ended(run: Run) -> dict[str, Scalar]:
    return {"failed": True} if run.result is None else {}


def _described(result: Any) -> list[Place]:
    if result.path is None:
        return []
    symbol = result.symbol
    return [(result.path, (symbol.line, symbol.end_line) if symbol else None)]


def _place(hit: Any) -> Place:
    return hit.path, None if hit.line is None else (hit.line, hit.end_line or hit.line)


def _named(run: Run, workspace: Path) -> list[Place]:
    return [
        (display(relative(workspace, os.path.realpath(workspace / path))), None)
        for path in (run.arguments.paths or ())[:_MOST_NAMED]
    ]


_OPENERS: Final[dict[str, Callable[[Run, Path], list[Place]]]] = {
    "codectx": lambda run, workspace: _described(run.result),
    "extract": lambda run, workspace: _places(run.result),
    "grep": _named,
}


def opens(run: Run, workspace: Path) -> list[Place]:
    """Return the places that ``run`` opens: what it is told to look into, or describes."""
    opener = _OPENERS.get(run.tool)
    return opener(run, workspace) if opener and run.result is not None else []
