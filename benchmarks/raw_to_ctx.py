"""From a raw line to its context over a real broker: how late, and how many lines a second.

The broker runs in a container, the light engine (`dspy-agent stream ctx`) as a process of its own; this
script writes the lines and reads the contexts. *Latency* is the time from the broker's acknowledgement of
an error line to the moment in which a consumer holds the context of the window with that line. Under
*steady* load 50 lines a second come in evenly, one in five an error; under *bursty* load the same number
comes in bursts of 50 with a stack trace in each. *Throughput* is the pace at which a backlog is worked off.

    $ uv run --group dev python benchmarks/raw_to_ctx.py [--seconds 60] [--lines 100000]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from support.broker import IMAGE, broker, create_topics

RESULTS = Path(__file__).parent / "results" / "raw-to-ctx.json"
PARTITIONS = 2
SOURCES = 6
PACE = 50  # lines a second
GOAL_MS = 100
TRACE = (
    "Traceback (most recent call last):",
    '  File "/srv/shop/pay.py", line {number}, in charge',
    "    raise Refused(code)",
    "Refused{name}: card {number} was refused",
)
INFO = (
    "2026-11-23 10:00:00,001 INFO shop.cart - order {number} accepted in {number} ms",
    '10.0.0.7 - - [23/Nov/2026:10:00:05 +0000] "GET /cart/{number} HTTP/1.1" 200 2',
    '{{"level":"info","msg":"cache hit","key":"cart:{number}"}}',
    "level=info msg=heartbeat n={number}",
)


@dataclass
class Bench:
    """One app's lines in, and its contexts out."""

    bootstrap: str
    app: str
    acknowledged: dict[tuple[int, int], float] = field(default_factory=dict)
    seen: dict[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the clients, at the ends of the topics."""
        common = {"bootstrap.servers": self.bootstrap, "log_level": 2}
        self.producer = Producer({**common, "linger.ms": 0, "acks": "all"})
        self.reader = Consumer(
            {**common, "group.id": "bench", "fetch.wait.max.ms": 500, "enable.auto.commit": False}
        )
        parts = [TopicPartition(f"logs.ctx.{self.app}", number) for number in range(PARTITIONS)]
        ends = [self.reader.get_watermark_offsets(part, 10)[1] for part in parts]
        self.reader.assign(
            [TopicPartition(p.topic, p.partition, end) for p, end in zip(parts, ends, strict=True)]
        )

    def write(self, number: int, text: str, *, timed: bool = False) -> None:
        """Write a line; ``timed`` says that its latency counts."""

        def delivered(error: Any, record: Any) -> None:
            if error is not None:
                raise SystemExit(f"not delivered: {error}")
            if timed:
                self.acknowledged[record.partition(), record.offset()] = time.monotonic()

        source = f"pod-{number % SOURCES}"
        value = json.dumps({"line": text, "source": source})
        self.producer.produce(
            f"logs.raw.{self.app}", value, source, partition=number % PARTITIONS, on_delivery=delivered
        )
        self.producer.poll(0)

    def read(self, seconds: float) -> None:
        """Take contexts for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.producer.poll(0)
            record = self.reader.poll(min(left, 0.001))
            if record is None or record.error() is not None:
                continue
            now = time.monotonic()
            said = json.loads(record.value())
            for offset in range(said["first_offset"], said["last_offset"] + 1):
                self.seen[said["partition"], offset] = now

    def latencies(self) -> list[float]:
        """Return the milliseconds of each timed line; there must be a context for all."""
        missing = self.acknowledged.keys() - self.seen.keys()
        if missing:
            raise SystemExit(f"{len(missing)} lines have no context, such as {min(missing)}")
        return sorted((self.seen[place] - then) * 1000 for place, then in self.acknowledged.items())


def names() -> Iterator[str]:
    """Yield words of letters that no mask takes for variables."""
    number = 0
    while True:
        word, rest = "", number
        while True:
            rest, letter = divmod(rest, 26)
            word += string.ascii_uppercase[letter]
            if not rest:
                break
        yield word
        number += 1


def steady(bench: Bench, seconds: float) -> None:
    """Write ``PACE`` lines a second, one in five an error of its own kind."""
    name, start = names(), time.monotonic()
    for number in range(int(seconds * PACE)):
        if number % 5:
            bench.write(number, INFO[number % len(INFO)].format(number=number))
        else:
            text = f"2026-11-23 10:00:00,001 ERROR shop.pay - refused by kind{next(name)}"
            bench.write(number, text, timed=True)
        bench.read(start + (number + 1) / PACE - time.monotonic())


def bursty(bench: Bench, seconds: float) -> None:
    """Write a second's lines at once, a stack trace among them, then nothing for the rest of it."""
    name, start = names(), time.monotonic()
    for second in range(int(seconds)):
        for number in range(PACE - len(TRACE)):
            bench.write(number, INFO[number % len(INFO)].format(number=number))
        word = next(name)
        for text in TRACE[:-1]:
            bench.write(second, text.format(number=second, name=word))
        bench.write(second, TRACE[-1].format(number=second, name=word), timed=True)
        bench.read(start + second + 1 - time.monotonic())


def latency(bootstrap: str, load: Any, seconds: float) -> dict[str, Any]:
    """Measure one load; the first seconds fill caches and are not counted."""
    warm = Bench(bootstrap, "bench")
    load(warm, 5)
    warm.read(2)
    bench = Bench(bootstrap, "bench")
    load(bench, seconds)
    bench.read(3)
    found = bench.latencies()
    p50, p99 = (statistics.quantiles(found, n=100, method="inclusive")[place] for place in (49, 98))
    print(f"{load.__name__:<8} n={len(found)} p50 {p50:.0f} ms  p99 {p99:.0f} ms  max {found[-1]:.0f} ms")
    return {
        "n": len(found),
        "p50_ms": round(p50, 1),
        "p99_ms": round(p99, 1),
        "max_ms": round(found[-1], 1),
        "milliseconds": [round(each, 1) for each in found],
    }


def engine(bootstrap: str, *more: str) -> subprocess.Popen[bytes]:
    """Start the light engine."""
    code = "from dspy_agent.cli.main import main; main()"
    words = ["stream", "ctx", "--bootstrap", bootstrap, *more]
    return subprocess.Popen([sys.executable, "-c", code, *words])


def throughput(bootstrap: str, lines: int) -> dict[str, Any]:
    """Write a backlog, then let an engine work it off; its start is not counted."""
    bench = Bench(bootstrap, "bulk")
    name = names()
    for number in range(lines):
        text = (
            f"2026-11-23 10:00:00,001 ERROR shop.pay - refused by kind{next(name)}"
            if number % 20 == 0
            else INFO[number % len(INFO)].format(number=number)
        )
        bench.write(number, text)
        if number % 10_000 == 0:
            bench.producer.flush(60)
    bench.producer.flush(60)
    process = engine(bootstrap, "--app", "bulk", "--once")
    first = last = 0.0
    told = 0
    while told < lines:
        record = bench.reader.poll(60)
        if record is None or record.error() is not None:
            raise SystemExit("the engine does not go on")
        last = time.monotonic()
        read = json.loads(record.value())["lines_read"]
        if not first:
            first, lines = last, lines - read
        else:
            told += read
    if process.wait(60):
        raise SystemExit("the engine failed")
    pace = told / (last - first)
    print(f"backlog  {pace:.0f} lines/s")
    return {"lines": told, "seconds": round(last - first, 2), "lines_per_second": round(pace)}


def main() -> None:
    """Measure, print a table, write the raw numbers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    parser.add_argument("--lines", type=int, default=100_000, help="of the backlog")
    arguments = parser.parse_args()
    facts: dict[str, Any] = {
        "goal_p99_ms": GOAL_MS,
        "broker": IMAGE,
        "lines_per_second": PACE,
        "partitions": PARTITIONS,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "confluent_kafka": version("confluent-kafka"),
    }
    with broker(f"bench-raw-to-ctx-{os.getpid()}") as bootstrap:
        create_topics(bootstrap, "bench", PARTITIONS)
        process = engine(bootstrap, "--app", "bench")
        try:
            facts["steady"] = latency(bootstrap, steady, arguments.seconds)
            facts["bursty"] = latency(bootstrap, bursty, arguments.seconds)
        finally:
            process.terminate()
            process.wait(20)
        create_topics(bootstrap, "bulk", PARTITIONS)
        facts["throughput"] = throughput(bootstrap, arguments.lines)
    facts["load"] = round(os.getloadavg()[0], 1)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(facts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
