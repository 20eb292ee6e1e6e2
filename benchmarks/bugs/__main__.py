"""Small bugs in real packages: how many are found, and how many are mended.

$ uv run --group dev python -m benchmarks.bugs make
$ OLLAMA_MODEL=qwen2.5-coder:1.5b DSPY_AGENT_MODEL_CONTEXT_TOKENS=4096 \\
    uv run --group dev python -m benchmarks.bugs run --systems ours,one-shot,aider --half held-out
$ uv run --group dev python -m benchmarks.bugs report
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.bugs import make, recipe, report, runner, sources
from benchmarks.bugs.packages import PACKAGES
from benchmarks.bugs.systems.base import System
from benchmarks.bugs.tasks import KINDS
from benchmarks.code_search.places import HALVES

_SYSTEMS: Final = {
    "ours": "ours:Ours",
    "no-model": "ours:NoModel",
    "one-shot": "one_shot:OneShot",
    "aider": "aider:Aider",
    "locate": "locating:Locate",
    "pointed": "locating:Pointed",
}
_RESULTS: Final = Path(__file__).parents[1] / "results" / "bugs.json"


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="make the recipes of packages that have none yet")
    making.add_argument("--each", type=int, default=6, help="bugs of a package")
    making.add_argument("--trials", type=int, default=100, help="mutations of a package that are tried")
    running = commands.add_parser("run", help="give bugs to systems; goes on where it was stopped")
    running.add_argument("--systems", default="ours,one-shot,aider", help=", ".join(_SYSTEMS))
    running.add_argument("--half", choices=HALVES, default="held-out")
    running.add_argument("--kind", choices=KINDS, default="failing", help="what the systems are told")
    running.add_argument("--limit", type=int, help="only the first bugs, of the packages in turn")
    running.add_argument("--seconds", type=float, default=300.0, help="that a system has for a bug")
    for command in (running, commands.add_parser("report", help="figures, and results/bugs.json")):
        command.add_argument("--raw", type=Path, default=sources.cache() / "raw.jsonl")
    arguments = parser.parse_args()
    if arguments.command == "make":
        _make(arguments.each, arguments.trials)
    elif arguments.command == "run":
        _run(arguments)
    else:
        _report(arguments.raw)


def _make(each: int, trials: int) -> None:
    os.nice(10)
    bugs = recipe.load()
    done = {bug.package for bug in bugs}
    kept = Counter(bug.operator for bug in bugs)
    for one in PACKAGES:
        if one.name not in done:
            bugs += make.make(one, each, kept, trials, _tell)
            recipe.save(bugs)


def _run(arguments: argparse.Namespace) -> None:
    systems = [_system(name) for name in arguments.systems.split(",")]
    bugs = runner.spread((bug for bug in recipe.load() if bug.half == arguments.half), arguments.limit)
    # The checks of `edit` find pytest and what the tests need where a user's shell would.
    environment = sources.python().parents[1]
    os.environ["VIRTUAL_ENV"] = str(environment)
    os.environ["PATH"] = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    runner.run(bugs, systems, arguments.kind, arguments.raw, seconds=arguments.seconds, tell=_tell)


def _report(raw: Path) -> None:
    rows = runner.read(raw)
    figures = report.summary(rows)
    about = {"machine": platform.platform(), "cores": os.cpu_count()}
    _RESULTS.write_text(json.dumps({"about": about, "figures": figures, "results": rows}, indent=1) + "\n")
    print(report.table(figures))


def _system(name: str) -> System:
    module, _, of = _SYSTEMS[name].partition(":")
    made: System = getattr(importlib.import_module(f"benchmarks.bugs.systems.{module}"), of)()
    return made


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
