"""The query on files: the columns of the Kafka source come from Parquet, those for its sink go to JSON.

``python -m tests.spark.files IN OUT CHECKPOINT`` runs it until all of IN is read and all is due. OUT keeps
what unfinished batches wrote too, as topics do.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dspy_agent_core.contracts.topics import Topics
from dspy_spark.health import Health
from dspy_spark.job import contexts
from dspy_spark.main import watch
from dspy_spark.session import start_session
from tests.streams.golden import GoldenRecord

COLUMNS = (
    "topic string, partition int, offset bigint, timestamp timestamp, key binary, value binary, "
    "headers array<struct<key: string, value: binary>>"
)
Row = tuple[str, int, int, int, bytes, bytes]


def rows_of(records: Iterable[GoldenRecord], topic: str) -> list[list[Row]]:
    """Return the rows of each partition, in the order of their offsets."""
    found: dict[int, list[Row]] = defaultdict(list)
    for one in records:
        rows = found[one.partition]
        rows.append((topic, one.partition, len(rows), one.time, one.key, one.value))
    return list(found.values())


def write_batches(folder: Path, partitions: list[list[Row]], count: int) -> None:
    """Write ``count`` files, each with a piece of every partition: what a limited batch of Kafka has."""
    for number in range(count):
        rows = [
            row
            for part in partitions
            for row in part[len(part) * number // count : len(part) * (number + 1) // count]
        ]
        # Spark may see a group's rows in any order.
        write_batch(folder, number, sorted(rows, key=lambda row: row[5]))


def write_batch(folder: Path, number: int, rows: list[Row]) -> None:
    """Write one file; those with a smaller number are read first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    topics, parts, offsets, times, keys, values = zip(*rows, strict=True)
    headers = pa.array([[{"key": "h", "value": b"\xff"}]] * len(rows))
    table = pa.table(
        {
            "topic": topics,
            "partition": pa.array(parts, pa.int32()),
            "offset": pa.array(offsets, pa.int64()),
            "timestamp": pa.array([time * 1000 for time in times], pa.timestamp("us", "UTC")),
            "key": pa.array(keys, pa.binary()),
            "value": pa.array(values, pa.binary()),
            "headers": headers,
        }
    )
    folder.mkdir(exist_ok=True)
    hidden = folder / f"_{number}"
    pq.write_table(table, hidden)
    os.utime(hidden, (1_000_000 + number,) * 2)
    hidden.rename(folder / f"{number}.parquet")


def written(folder: Path) -> list[dict[str, Any]]:
    """Return all rows that were written, with bytes for their binary columns."""
    found = []
    for file in folder.glob("part-*.json"):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            headers = {one["key"]: base64.b64decode(one["value"]) for one in row.get("headers", [])}
            binary = {name: base64.b64decode(row[name]) for name in ("key", "value")}
            found.append({"topic": row["topic"], **binary, "headers": headers})
    return found


def start(spark: Any, source: Path, target: Path, checkpoint: Path, trigger: str) -> Any:
    """Start the query; it reads one file a batch."""
    raw = spark.readStream.schema(COLUMNS).option("maxFilesPerTrigger", 1).parquet(str(source))
    return (
        contexts(raw, Topics(""))
        .writeStream.format("json")
        .option("path", str(target))
        .option("checkpointLocation", str(checkpoint))
        .trigger(processingTime=trigger)
        .start()
    )


def main() -> None:
    """Run the query."""
    spark = start_session("local[2]")
    query = start(spark, *(Path(word) for word in sys.argv[1:4]), "0 seconds")
    watch(query, Health(), threading.Event(), once=True)
    spark.stop()


if __name__ == "__main__":
    main()
