"""How many log lines a second one core reduces: the whole reducer, its tree alone, and Drain3 beside them.

The log is that of six programs at once (Python, Java, Go with klog, Node with JSON, an access log, logfmt),
with stack traces among their lines. Drain3 does less: it takes each line for itself. The reducer also takes
lines apart (carrier, time, level), joins those of a record, reads the traces, hides noise and ranks what is
left.

    $ uv run --group dev --with drain3 python benchmarks/reduction.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grouping import DRAIN3_EXAMPLE
from support.lines import mixed_lines

from dspy_agent_core.logs import Reducer, ReducerOptions, levels
from dspy_agent_core.logs.mask import mask
from dspy_agent_core.logs.templates import TemplateTree

RESULTS = Path(__file__).parent / "results" / "reduction.json"
Log = list[tuple[str, str]]
Contestant = Callable[[Log], int]


def whole(log: Log, level: int = levels.WARNING) -> int:
    """Reduce ``log`` to what has at least ``level``; return how many groups are left."""
    reducer = Reducer(ReducerOptions(level=level, limit=len(log)))
    for source, line in log:
        reducer.feed((line,), source)
    return len(reducer.result().events)


def whole_of_all_levels(log: Log) -> int:
    """Reduce ``log``, the lines below warning too."""
    return whole(log, level=0)


def tree(log: Log) -> int:
    """Group the lines by the tree alone; return how many templates there are."""
    grown = TemplateTree()
    for _, line in log:
        grown.add(line)
    return len(grown)


def drain3(replace: Callable[[str], str]) -> Contestant:
    """Return Drain3 with its default settings behind the masks ``replace``."""
    from drain3.drain import Drain  # type: ignore[import-not-found, unused-ignore]

    def group(log: Log) -> int:
        drain = Drain()
        for _, line in log:
            drain.add_log_message(replace(line))
        return len(drain.clusters)

    return group


def example_masks(line: str) -> str:
    """Replace what the example configuration of Drain3 masks."""
    for pattern, name in _EXAMPLE:
        line = pattern.sub(name, line)
    return line


_EXAMPLE = [(re.compile(pattern), name) for pattern, name in DRAIN3_EXAMPLE]


def contestants() -> dict[str, Contestant]:
    """Return who takes part."""
    found: dict[str, Contestant] = {
        "reducer, whole": whole,
        "reducer, whole, all levels": whole_of_all_levels,
        "reducer, tree alone": tree,
    }
    try:
        version("drain3")
    except PackageNotFoundError:
        print("Drain3 is not here, so only ours is measured; add `--with drain3` to uv run")
        return found
    return found | {
        "Drain3, our masks": drain3(mask),
        "Drain3, its example's masks": drain3(example_masks),
        "Drain3, no masks": drain3(str),
    }


def main() -> None:
    """Run all in turn, print a table, write the raw numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    log = mixed_lines(arguments.lines, arguments.seed)
    running = contestants()
    rates: dict[str, list[dict[str, float]]] = {name: [] for name in running}
    left: dict[str, int] = {}
    for _ in range(arguments.rounds):
        for name, run in running.items():
            wall, cpu = time.perf_counter(), time.process_time()
            left[name] = run(log)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            rates[name].append({"wall": round(len(log) / wall), "cpu": round(len(log) / cpu)})
    base = statistics.median(rate["cpu"] for rate in rates["reducer, whole"])
    print(f"{'':<28}{'lines/s':>10}{'lines/CPU s':>13}{'whole = 1':>11}{'groups':>8}")
    for name, measured in rates.items():
        by_wall, by_cpu = (statistics.median(rate[kind] for rate in measured) for kind in ("wall", "cpu"))
        print(f"{name:<28}{by_wall:>10,.0f}{by_cpu:>13,.0f}{by_cpu / base:>11.2f}{left[name]:>8}")
    facts = {
        "lines": len(log),
        "seed": arguments.seed,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "drain3": version("drain3") if any("Drain3" in name for name in running) else None,
        "groups": left,
        "lines_per_second": rates,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
