"""How long the index of a large tree takes to build, and to be current again after one edit.

    $ uv run --group dev python benchmarks/code_index.py --files 15000

The tree is made from a seed (``code_search/trees.py``) and kept in the benchmark's cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.code_search.places import data_folder
from dspy_agent.index.folder import IndexFolder
from dspy_agent.index.index import Index

RESULTS = Path(__file__).parent / "results" / "code-index.json"
EDITS = 40


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` took."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def spread(values: list[float]) -> dict[str, float]:
    """Return the median, the 90th percentile and the least of ``values``."""
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p90": round(ordered[int(len(ordered) * 0.9)], 1),
        "min": round(ordered[0], 1),
    }


def main() -> None:
    """Measure, print, and write the raw figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=15_000)
    count = parser.parse_args().files
    root = data_folder() / "trees" / str(count)
    if not root.exists():
        subprocess.run(
            [sys.executable, "-m", "benchmarks.code_search.trees", "--files", str(count)], check=True
        )
    with tempfile.TemporaryDirectory() as place:
        work = Path(place) / "tree"
        shutil.copytree(root, work)
        figures = measure(work.resolve(), Path(place) / "index")
    facts = {
        "files": count,
        "edits": EDITS,
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **figures,
    }
    print(json.dumps(facts, indent=1))
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**known, str(count): facts}, indent=1) + "\n", encoding="utf-8")


def measure(work: Path, place: Path) -> dict[str, object]:
    """Build, then edit one file after the other, looking at it alone and at everything."""
    index = Index(work, IndexFolder(place))
    before = sum(os.times()[:4])
    seconds = milliseconds(index.update) / 1000
    cpu = sum(os.times()[:4]) - before
    paths = random.Random(0).sample(sorted(index.manifest.files), EDITS)
    told: list[float] = []
    looked: list[float] = []
    shot: list[float] = []
    for number, path in enumerate(paths):
        edit(work / path, number)
        if number % 2:
            told.append(milliseconds(lambda path=path: index.update_files([path])))
        else:
            looked.append(milliseconds(index.update))
    for number, path in enumerate(paths[:10]):
        edit(work / path, 1000 + number)
        shot.append(milliseconds(lambda: Index(work, IndexFolder(place)).update()))
    idle = [milliseconds(index.update) for _ in range(20)]
    return {
        "chunks": index.corpus.count,
        "build_seconds": round(seconds, 2),
        "build_cpu_seconds": round(cpu, 2),
        "peak_mib": {
            "this process": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "largest worker": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        },
        "edit_told_ms": spread(told),
        "edit_looked_for_ms": spread(looked),
        "edit_opened_and_looked_for_ms": spread(shot),
        "nothing_changed_ms": spread(idle),
    }


def edit(path: Path, number: int) -> None:
    """Change a file as an editor does."""
    text = path.read_text(encoding="utf-8", errors="replace")
    new = path.with_name(f"{path.name}.tmp")
    new.write_text(f"{text}\n# edit {number}\n", encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    main()
