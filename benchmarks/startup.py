"""How long ``dspy-agent --help`` takes, beside ``python -c pass``: what the interpreter itself costs."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

RUNS = 31
RESULTS = Path(__file__).parent / "results" / "startup.json"
GOAL_MS = 150


def milliseconds(command: list[str]) -> float:
    """Run ``command`` and return how long it took."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure the two commands in turn, print a table, write the raw numbers."""
    program = shutil.which("dspy-agent", path=Path(sys.executable).parent)
    if program is None:
        raise SystemExit("dspy-agent is not installed here; run: uv sync")
    commands = {"python -c pass": [sys.executable, "-c", "pass"], "dspy-agent --help": [program, "--help"]}
    for command in commands.values():
        milliseconds(command)  # fills the caches
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            times[name].append(milliseconds(command))
    print(f"{'command':<20} {'median ms':>10} {'p90 ms':>8}")
    for name, values in times.items():
        print(f"{name:<20} {statistics.median(values):>10.0f} {statistics.quantiles(values, n=10)[-1]:>8.0f}")
    RESULTS.parent.mkdir(exist_ok=True)
    facts = {
        "runs": RUNS,
        "goal_ms": GOAL_MS,
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "typer": version("typer"),
        "milliseconds": {name: [round(value, 1) for value in values] for name, values in times.items()},
    }
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
