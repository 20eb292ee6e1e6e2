"""One recorded raw input, and the contexts that every engine must make of it.

``golden_records()`` gives the records of ``logs.raw.shop`` in the order in which they are produced, which
is the order of their times too: ``partition`` (0 to 3), ``time`` (epoch milliseconds: the topic's
timestamp, which an engine must see unchanged), ``key`` and ``value`` (bytes; a few are poison). A record's
offset is its place among those of its partition. ``golden_contexts()`` gives what must come out:
``{key: value}`` of ``logs.ctx.shop``, the last window of each partition closed by hand at the end of
the input. ``golden_letters()`` gives the places, as ``(partition, offset)``, of the poison.

The lines are what real programs wrote when they failed, between noise, from several sources a partition.
``python -m tests.streams.golden`` records them anew.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from dspy_agent_core.contracts.messages import BadMessage, Context
from dspy_agent_core.streams.records import read_record
from dspy_agent_core.streams.windows import PartitionWindows, RawRecord
from tests.core.programs import FAILURES, output_of

APP = "shop"
PARTITIONS = 4
FILE = Path(__file__).parent / "golden.jsonl"

_BASE = 1_795_000_000_000
_NOISE = (
    "{time} INFO shop.cart - order {number} accepted in {ms} ms",
    '10.0.0.{small} - - [18/Nov/2026:11:06:40 +0000] "GET /healthz HTTP/1.1" 200 2',
    "{time} DEBUG shop.db - select took {ms} ms",
    '{{"level":"info","msg":"cache hit","key":"cart:{number}","took_ms":{ms}}}',
    'level=info msg="heartbeat" n={number}',
    "  {number}",
    "",
)
_WARNINGS = (
    "{time} WARNING shop.db - slow query: {ms}0 ms",
    "{time} ERROR shop.pay - payment {number} refused by 10.1.2.{small}",
    '{{"level":"error","msg":"stock {number} is negative","logger":"shop.stock"}}',
    "E1118 11:06:40.000001    7 stock.go:{small}] lost lease {number}",
)
_POISON = (
    b"\xff\xfe no text",
    b"{not json",
    b'{"line": 7}',
    b'{"schema_version": 2, "line": "of tomorrow"}',
    b"[]",
    b"",
)


@dataclass(frozen=True, slots=True)
class GoldenRecord:
    """One record of the raw topic."""

    partition: int
    time: int
    key: bytes
    value: bytes


@cache
def golden_records() -> tuple[GoldenRecord, ...]:
    """Return the recorded input."""
    return tuple(
        GoldenRecord(p, time, key.encode(), value.encode("latin-1"))
        for p, time, key, value in map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
    )


def golden_contexts() -> dict[bytes, bytes]:
    """Return the contexts of ``golden_records()`` by their keys."""
    return {context.id.encode(): context.encode() for context in contexts_of(golden_records())}


def golden_letters() -> set[tuple[int, int]]:
    """Return partition and offset of the records that go to the dead letters."""
    return {(p, raw.offset) for p, raw in raw_records(golden_records()) if raw.line is None}


def contexts_of(records: Iterable[GoldenRecord]) -> Iterator[Context]:
    """Yield the contexts of ``records``; the last windows are closed by hand."""
    windows = [PartitionWindows(APP, number) for number in range(PARTITIONS)]
    for partition, raw in raw_records(records):
        if closed := windows[partition].feed(raw):
            yield closed
    for each in windows:
        if closed := each.cut():
            yield closed


def raw_records(records: Iterable[GoldenRecord]) -> Iterator[tuple[int, RawRecord]]:
    """Yield partition and raw record, poison with a line of None."""
    offsets: Counter[int] = Counter()
    for record in records:
        offset = offsets[record.partition]
        offsets[record.partition] += 1
        try:
            yield record.partition, read_record(offset, record.time, record.value)
        except BadMessage:
            yield record.partition, RawRecord(offset, record.time, None)


def _record() -> None:
    """Run the programs and write what they said, in the order of time, to ``FILE``."""
    made = sorted(_all_sources(random.Random(7)), key=lambda record: record.time)
    with FILE.open("w", encoding="utf-8") as file:
        for r in made:
            fields = [r.partition, r.time, r.key.decode(), r.value.decode("latin-1")]
            file.write(json.dumps(fields, ensure_ascii=True) + "\n")


def _all_sources(dice: random.Random) -> Iterator[GoldenRecord]:
    failures = [failure for failure in FAILURES if failure.file.endswith(".py")]
    for partition in range(PARTITIONS):
        for number in range(3):
            mine = failures[partition * 3 + number :: 12]
            yield from _one_source(dice, partition, f"pod-{partition}-{number}", mine)


def _one_source(dice: random.Random, partition: int, name: str, failures: list) -> Iterator[GoldenRecord]:
    time = _BASE + dice.randrange(500)

    def line(text: str) -> GoldenRecord:
        value = {"schema_version": 1, "line": text, "ts": time / 1000, "source": name}
        return GoldenRecord(partition, time, name.encode(), json.dumps(value).encode())

    for failure in [*failures, None]:
        for _ in range(dice.randrange(15, 30)):
            time += dice.choice((0, 1, 3, 60, 200, 900))
            kind = _WARNINGS if dice.random() < 0.15 else _NOISE
            yield line(_filled(dice, dice.choice(kind), time))
            if dice.random() < 0.02:
                yield replace(line(""), value=dice.choice(_POISON))
        if failure is None:
            return
        time += 300
        for text in _output(failure):
            time += dice.choice((0, 0, 0, 1, 2, 9))
            yield line(text)


def _output(failure) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        text, _ = output_of(failure, Path(folder))
        for here, there in (
            (folder, "/srv/shop"),
            (sys.prefix, "/srv/shop/.venv"),
            (sys.base_prefix, "/usr"),
        ):
            text = text.replace(here, there)
        return text.splitlines()[-150:]


def _filled(dice: random.Random, text: str, time: int) -> str:
    stamp = f"2026-11-18 11:06:{40 + time // 1000 % 20:02d},{time % 1000:03d}"
    return text.format(
        time=stamp, number=dice.randrange(10**6), ms=dice.randrange(500), small=dice.randrange(9)
    )


if __name__ == "__main__":
    _record()
