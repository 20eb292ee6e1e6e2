"""Whether the reducer's memory stays bounded over millions of lines that never come again.

Identifiers, words, messages, exceptions with their types and frames, and pods are new in every line; the
sources are files, so there are some hundred of them.

    $ uv run --group dev python benchmarks/memory.py --lines 10000000
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import time
from itertools import islice
from pathlib import Path

from support.lines import distinct_lines

from dspy_agent_core.logs import Reducer

RESULTS = Path(__file__).parent / "results" / "memory.json"
STEPS = 40


def resident_mib() -> float:
    """Return this process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Feed the lines, print memory as it goes, write the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=200)
    arguments = parser.parse_args()
    reducer = Reducer()
    lines = distinct_lines(sources=arguments.sources)
    curve = [{"lines": 0, "mib": round(resident_mib(), 1)}]
    step = max(1, arguments.lines // STEPS)
    started = time.perf_counter()
    try:
        for read in range(step, arguments.lines + 1, step):
            for source, line in islice(lines, step):
                reducer.feed((line,), source)
            curve.append({"lines": read, "mib": round(resident_mib(), 1)})
            print(f"{read:>12,} lines {resident_mib():>8.1f} MiB", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("stopped before the end: what was measured until here is written", file=sys.stderr)
    seconds = time.perf_counter() - started
    result, summary = reducer.result(), reducer.summary()
    early = max(point["mib"] for point in curve[: len(curve) // 4 + 1])
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1)
    print(f"{result.lines_read:,} lines: {early:.0f} MiB in the first quarter, {peak:.0f} MiB at most")
    facts = {
        "lines": result.lines_read,
        "sources": arguments.sources,
        "lines_per_second": round(result.lines_read / seconds),
        "python": platform.python_version(),
        "peak_of_first_quarter_mib": early,
        "peak_mib": peak,
        "events": len(result.events),
        "signatures_in_summary": len(summary.counts),
        "hidden_lines": {hidden.rule: hidden.lines for hidden in result.hidden},
        "curve": curve,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
