"""Measures what the reducer keeps of real failures, and how much it leaves out.

Runs the programs of ``tests/core/corpus`` (and takes what other runtimes printed), hides the output of each
in lines that tell of nothing, behind carriers, alone and torn by other threads, and compares what is
shown with the labels::

    uv run --group dev python -m benchmarks.kept_exceptions
"""

from __future__ import annotations

import json
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dspy_agent_core.contracts.results import LogContext
from dspy_agent_core.logs import Reducer
from tests.core.corpus.carriers import CARRIERS, carried, noise, torn
from tests.core.corpus.judge import judge
from tests.core.corpus.load import Case, cases
from tests.core.corpus.run import NotHereError, output_of

RESULTS = Path(__file__).parent / "results" / "kept-exceptions.json"
_NOISE = 300  # lines of noise around each failure
_CARRIERS = 16  # that each failure is put behind, in turn
_STREAM_NOISE = 60  # lines of noise per failure where all failures are in one stream


@dataclass
class Tally:
    """Sums over runs. ``shown``: events; ``spurious``: severe events that no label asks for."""

    labels: int = 0
    kept: int = 0
    lines: int = 0
    shown: int = 0
    spurious: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, result: LogContext, *, whole: bool) -> None:
        """Count one run of ``case``."""
        verdict = judge(case, result.events, whole_message=whole)
        self.labels += len(case.shown)
        self.kept += len(case.shown) - len(verdict.lost)
        self.lines += result.lines_read
        self.shown += len(result.events)
        self.spurious += len(verdict.spurious)
        if verdict.lost:
            self.lost[case.name] += len(verdict.lost)

    def figures(self) -> dict[str, Any]:
        """Return the sums and the two figures that are made of them."""
        return {
            "labels": self.labels,
            "kept": self.kept,
            "kept_percent": round(100 * self.kept / max(1, self.labels), 3),
            "lines_in": self.lines,
            "events_shown": self.shown,
            "reduction": round(self.lines / max(1, self.shown), 1),
            "spurious": self.spurious,
            "lost": dict(self.lost),
        }


def main() -> None:
    """Run everything and write the figures."""
    printed, missing = _outputs()
    whole, pieces = Tally(), Tally()
    by_carrier: dict[str, Tally] = {carrier: Tally() for carrier in CARRIERS}
    by_language: dict[str, Tally] = {}
    names = list(CARRIERS)
    started = time.perf_counter()
    for number, (case, lines) in enumerate(printed):
        print(f"\r{number + 1}/{len(printed)} {case.name:50}", end="", file=sys.stderr)
        for carrier in (names * 2)[number % len(names) :][:: len(names) // _CARRIERS][:_CARRIERS]:
            result = _reduced(carried(_among(lines, _NOISE, number), carrier))
            for sums in (whole, by_carrier[carrier], by_language.setdefault(case.language, Tally())):
                sums.add(case, result, whole=True)
        among = _among(torn(lines, random.Random(number)), _NOISE, number)
        pieces.add(case, _reduced(among), whole=False)
    print(file=sys.stderr)
    figures = {
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "cpu": platform.machine(),
        },
        "cases": len(printed),
        "not_installed": missing,
        "noise_lines_per_case": _NOISE,
        "seconds": round(time.perf_counter() - started, 1),
        "behind_carriers": whole.figures(),
        "torn_by_other_threads": pieces.figures(),
        "one_stream": _one_stream([case for case, _ in printed], dict(printed)),
        "carriers": {name: tally.figures() for name, tally in by_carrier.items()},
        "languages": {name: tally.figures() for name, tally in by_language.items()},
    }
    RESULTS.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    for name in ("behind_carriers", "torn_by_other_threads", "one_stream"):
        print(name, figures[name])


def _outputs() -> tuple[list[tuple[Case, list[str]]], list[str]]:
    printed, missing = [], []
    for case in cases():
        try:
            printed.append((case, output_of(case).rstrip("\n").split("\n")))
        except NotHereError as error:
            missing.append(f"{case.name}: {error}")
    return printed, missing


def _among(lines: list[str], count: int, seed: int) -> list[str]:
    """Return ``lines`` in the midst of ``count`` lines of noise."""
    between = noise(random.Random(seed))
    before = count // 2
    return [*_some(between, before), *lines, *_some(between, count - before)]


def _some(lines: Iterator[str], count: int) -> Iterator[str]:
    return (next(lines) for _ in range(count))


def _reduced(lines: list[str]) -> LogContext:
    reducer = Reducer()
    reducer.feed(lines, at=1_795_000_000.0)
    return reducer.result()


def _one_stream(order: list[Case], printed: dict[Case, list[str]]) -> dict[str, Any]:
    """Put all failures into one log, each from one to thirty times, and reduce that."""
    numbers = random.Random(5)
    happened = [case for case in order for _ in range(numbers.choice((1, 1, 2, 5, 30)))]
    numbers.shuffle(happened)
    between = noise(numbers)
    reducer = Reducer()
    for case in happened:
        reducer.feed(printed[case], at=1_795_000_000.0)
        reducer.feed(_some(between, _STREAM_NOISE), at=1_795_000_000.0)
    result = reducer.result()
    tally = Tally()
    for case in order:
        tally.labels += len(case.shown)
        lost = judge(case, result.events).lost
        tally.kept += len(case.shown) - len(lost)
        if lost:
            tally.lost[case.name] += len(lost)
    tally.lines, tally.shown = result.lines_read, len(result.events)
    figures = {**tally.figures(), "failures": len(happened)}
    del figures["spurious"]
    return figures


if __name__ == "__main__":
    main()
