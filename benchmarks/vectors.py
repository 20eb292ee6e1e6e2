"""The local vector store beside Milvus Lite and a plain numpy product: warm queries, recall, appends, memory.

    $ uv run --group dev python benchmarks/vectors.py

The vectors are made: mixtures of topics with a part that all share, as those of models are. Each store is
searched in turn, query by query, so that what the neighbours on the machine do falls on all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.store import VectorStore, open_store

RESULTS = Path(__file__).parent / "results" / "vectors.json"
LIMIT = 10
Array = NDArray[np.float32]


def made(count: int, dimension: int, queries: int) -> tuple[Array, Array]:
    """Return unit vectors and queries near to some of them."""
    rng = np.random.default_rng(1)
    topics = rng.standard_normal((max(20, count // 100), dimension), dtype=np.float32)
    rows = topics[rng.integers(0, len(topics), count)] + 0.7 * topics[0]
    rows += 0.9 * rng.standard_normal((count, dimension), dtype=np.float32)
    asked = rows[rng.integers(0, count, queries)]
    asked = asked + 0.8 * rng.standard_normal((queries, dimension), dtype=np.float32)
    return tuple(array / np.linalg.norm(array, axis=1, keepdims=True) for array in (rows, asked))  # type: ignore[return-value]


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return the milliseconds that passed, those that all threads worked, and the result."""
    started, worked = time.perf_counter(), time.process_time()
    result = call()
    return (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000, result


def appended(store: VectorStore, keys: NDArray[np.uint64], rows: Array, batch: int) -> dict[str, float]:
    """Add all in batches; return the rate."""
    started = time.perf_counter()
    for at in range(0, len(keys), batch):
        store.add(keys[at : at + batch], rows[at : at + batch])
    seconds = time.perf_counter() - started
    return {"batch": batch, "vectors_per_second": round(len(keys) / seconds)}


def compared(count: int, dimension: int, queries: int, *, milvus: bool) -> dict[str, Any]:
    """Measure the stores with ``count`` vectors."""
    rows, asked = made(count, dimension, queries)
    keys = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    with tempfile.TemporaryDirectory(prefix="vectors-") as name:
        folder = Path(name)
        local = open_store(folder, ("bench:made", dimension), "", {})
        facts: dict[str, Any] = {
            "vectors": count,
            "dimension": dimension,
            "append": appended(local, keys, rows, 256),
        }
        searched: dict[str, Callable[[Array], Any]] = {
            "local": lambda query: local.search(query, keys, LIMIT)[0],
            "numpy": lambda query: np.argpartition(-(rows @ query), LIMIT)[:LIMIT],
        }
        if milvus:
            lite = open_store(folder, ("bench:made", dimension), "lite", {})
            facts["append_milvus_lite"] = appended(lite, keys, rows, 1000)
            searched["milvus_lite"] = lambda query: lite.search(query, keys, LIMIT)[0]
        fresh = open_store(folder, ("bench:made", dimension), "", {})
        facts["first_query_ms"] = round(timed(lambda: fresh.search(asked[0], keys, LIMIT))[0], 2)
        facts["query_ms"], facts["recall_at_10"] = in_turn(searched, rows, asked)
        facts["resident_mib_of_a_reader"] = reader_mib(folder, count, dimension)
    return facts


def in_turn(searched: dict[str, Callable[[Array], Any]], rows: Array, asked: Array) -> tuple[Any, float]:
    """Ask all stores each query; return their times, and the local store's recall."""
    times: dict[str, list[float]] = {name: [] for name in searched}
    work: dict[str, list[float]] = {name: [] for name in searched}
    found = 0
    for query in asked:
        for name, search in searched.items():
            search(query)  # what another store left in the caches is not this one's fault
            spent, worked, positions = timed(lambda search=search, query=query: search(query))  # type: ignore[misc]
            times[name].append(spent)
            work[name].append(worked)
            if name == "local":
                best = np.argsort(-(rows @ query))[:LIMIT]
                found += len(np.intersect1d(best, positions))
    told = {
        name: {
            "p50": round(statistics.median(all_of), 3),
            "p99": round(float(np.percentile(all_of, 99)), 3),
            "min": round(min(all_of), 3),
            "cpu_p50": round(statistics.median(work[name]), 3),
        }
        for name, all_of in times.items()
    }
    return told, round(found / (LIMIT * len(asked)), 4)


def reader_mib(folder: Path, count: int, dimension: int) -> dict[str, float]:
    """Return the resident memory of a process that only searches, of which the mapped file is shared."""
    code = f"""
import numpy as np
from pathlib import Path
from dspy_agent.vectors.store import open_store
def mib():
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return [round(int(lines[kind].split()[0]) / 1024, 1) for kind in ("RssAnon", "RssFile")]
before = mib()
store = open_store(Path({str(folder)!r}), ("bench:made", {dimension}), "", {{}})
keys = np.arange({count}, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
query = np.ones({dimension}, np.float32) / np.sqrt({dimension}, dtype=np.float32)
store.search(query, keys, 10)
after = mib()
print(after[0] - before[0], after[1] - before[1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own, mapped = done.stdout.split()
    return {"own": round(float(own), 1), "mapped": round(float(mapped), 1)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--no-milvus", action="store_true", help="leave Milvus Lite out")
    arguments = parser.parse_args()
    sets = [
        compared(17_000, 384, arguments.queries, milvus=not arguments.no_milvus),
        compared(17_000, 256, arguments.queries, milvus=False),
        compared(100_000, 384, min(arguments.queries, 100), milvus=False),
    ]
    for facts in sets:
        print(json.dumps(facts), flush=True)
    told = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[1], 1),  # of five minutes: above the cores, times are too long
        "sets": sets,
    }
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
