"""Gives each bug to each system and keeps one JSON line for each pair; what is there is not done again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.bugs.copies import with_bug
from benchmarks.bugs.recipe import Bug
from benchmarks.bugs.score import Verdict, judge, rank
from benchmarks.bugs.systems.base import System
from benchmarks.bugs.tasks import Kind, Task, task_of
from dspy_agent_core.errors import AgentError

_SUITE_SECONDS: Final = 240.0


@dataclass(frozen=True, slots=True)
class Result:
    """One bug with one system; ``rank`` is the right function's, ``seconds`` leave out the judging."""

    bug: str
    package: str
    operator: str
    half: str
    kind: str
    system: str
    rank: int | None
    changed: bool
    parses: bool
    mended: bool
    seconds: float
    calls: int
    prompt_tokens: int
    answer_tokens: int
    note: str


def run(
    bugs: Sequence[Bug],
    systems: Sequence[System],
    kind: Kind,
    raw: Path,
    *,
    seconds: float,
    tell: Callable[[str], None],
) -> None:
    """Run what ``raw`` does not hold yet: bug by bug, so that systems meet the same load.

    Args:
        bugs: in this order.
        systems: in turn.
        kind: what the systems are told.
        raw: the JSON lines.
        seconds: that a system has for a bug.
        tell: is told of each result.
    """
    rows = read(raw)
    done = {(row["bug"], row["kind"], row["system"]) for row in rows}
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text("".join(_line(row) for row in rows), encoding="utf-8")  # without a line that was cut
    for number, bug in enumerate(bugs, 1):
        waiting = [one for one in systems if (bug.id, kind, one.name) not in done]
        if waiting:
            with with_bug(bug) as folder:
                task = task_of(bug, kind, folder)
            for system in waiting:
                try:
                    result = result_of(task, system, seconds)
                except AgentError as error:  # a server that does not answer: the pair is run again next time
                    tell(f"{number}/{len(bugs)} {bug.id} {system.name}: {error.code}: {error}")
                    continue
                with raw.open("a", encoding="utf-8") as file:
                    file.write(_line(asdict(result)))
                how = "mended" if result.mended else "not mended"
                tell(
                    f"{number}/{len(bugs)} {bug.id} {system.name}: rank {result.rank}, {how},"
                    f" {result.seconds:.1f} s  {result.note[:100]}"
                )


def result_of(task: Task, system: System, seconds: float) -> Result:
    """Return what comes of one bug with one system."""
    bug = task.bug
    with with_bug(bug) as folder:
        started = time.monotonic()
        answer = system.answer(task, folder, seconds)
        took = time.monotonic() - started
    verdict = Verdict(False, False, False)
    with with_bug(bug) as folder:
        found = rank(bug, answer.located, folder)
        if system.mends:
            verdict = judge(bug, answer.changes, folder, _SUITE_SECONDS)
    return Result(
        *(bug.id, bug.package, bug.operator, bug.half, task.kind, system.name, found),
        *(verdict.changed, verdict.parses, verdict.mended, round(took, 2)),
        *(answer.calls, answer.prompt_tokens, answer.answer_tokens, answer.note),
    )


def read(raw: Path) -> list[dict[str, Any]]:
    """Return the kept results; a last line that was cut is left out."""
    rows = []
    for line in raw.read_text(encoding="utf-8").splitlines() if raw.exists() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def spread(bugs: Iterable[Bug], limit: int | None) -> list[Bug]:
    """Return the bugs with the packages in turn, so that the first few are of many."""
    turns: dict[str, int] = {}
    keyed = []
    for bug in bugs:
        turns[bug.package] = turns.get(bug.package, 0) + 1
        keyed.append((turns[bug.package], bug.package, bug))
    keyed.sort(key=lambda each: each[:2])
    return [bug for _, _, bug in keyed][:limit]
