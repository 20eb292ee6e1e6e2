"""The stateful function of the job: a partition's rows in, rows for Kafka out. Runs in Python workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dspy_agent_core.contracts.dead_letters import Letter, without_ours
from dspy_agent_core.contracts.messages import BadMessage, Context
from dspy_agent_core.contracts.topics import Topics, dead_letters
from dspy_agent_core.streams.records import read_record
from dspy_agent_core.streams.windows import RawRecord
from dspy_spark.state import PartitionState, step

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql.streaming.state import GroupState

INPUT: Final = (
    "topic string, partition int, offset bigint, time bigint, key binary, value binary, "
    "headers array<struct<key: string, value: binary>>"
)
OUTPUT: Final = "topic string, key binary, value binary, headers array<struct<key: string, value: binary>>"
STATE: Final = "state binary"

# A batch's time is taken after its end offsets were read: covers the way between, the replication of
# what was just written, and clocks of driver and broker that differ by less.
MARGIN: Final = 1000


@dataclass(frozen=True, slots=True)
class Reduce:
    """Called by Spark once a micro-batch for each partition with new rows, or whose timeout has come.

    Spark calls with ``hasTimedOut`` only where a partition has no new row. Each batch reads at least one
    record of every partition that has one, however the batch is limited; so a partition that timed out
    had been read to its end when the batch began, and a record that comes later has a later time. That
    makes the end of a window the same here and in the light consumer.

    Args:
        topics: names of the topics.
        once: nothing is awaited: a window without a new record ends, due or not.
    """

    topics: Topics
    once: bool = False

    def __call__(
        self, key: tuple[Any, ...], frames: Iterable[pd.DataFrame], group: GroupState
    ) -> Iterator[pd.DataFrame]:
        """Yield what goes to Kafka, and leave the state and the next timeout in ``group``."""
        topic, partition = str(key[0]), int(key[1])
        app = self.topics.app_of(topic) or ""
        state = PartitionState.loads(bytes(group.get[0])) if group.exists else PartitionState()
        now = group.getCurrentProcessingTimeMs() - MARGIN
        letters: list[Letter] = []
        if group.hasTimedOut:
            done = step(app, partition, state, now=now, cut=self.once)
        else:
            done = step(app, partition, state, _records(frames, letters))
        group.update((done.state.dumps(),))
        if done.due is not None:
            group.setTimeoutDuration(1 if self.once else max(1, done.due - now))
        if letters or done.contexts:
            yield _frame(self.topics.ctx(app), letters, done.contexts)


def _records(frames: Iterable[pd.DataFrame], letters: list[Letter]) -> Iterator[RawRecord]:
    """Yield the records in the order of their offsets; those that can't be read are put into ``letters``."""
    rows = sorted(
        (row for frame in frames for row in frame.to_dict("records")), key=lambda row: row["offset"]
    )
    for row in rows:
        offset, time, value = int(row["offset"]), int(row["time"]), _bytes(row["value"])
        try:
            yield read_record(offset, time, value)
        except BadMessage as bad:
            letters.append(_letter(row, value, bad))
            yield RawRecord(offset, time, None)


def _letter(row: dict[str, Any], value: bytes | None, bad: BadMessage) -> Letter:
    headers = row["headers"]
    pairs = () if headers is None else tuple((str(one["key"]), _bytes(one["value"])) for one in headers)
    return Letter(
        topic=row["topic"],
        partition=int(row["partition"]),
        offset=int(row["offset"]),
        time=int(row["time"]),
        key=_bytes(row["key"]),
        value=value,
        headers=without_ours(pairs),
        reason=bad.reason,
        detail=str(bad),
    )


def _frame(topic: str, letters: Iterable[Letter], contexts: Iterable[Context]) -> pd.DataFrame:
    import pandas as pd

    rows: list[tuple[Any, ...]] = [
        (
            dead_letters(letter.topic),
            letter.key,
            letter.value,
            [{"key": name, "value": value} for name, value in letter.all_headers()],
        )
        for letter in letters
    ]
    rows += ((topic, context.id.encode(), context.encode(), None) for context in contexts)
    return pd.DataFrame(rows, columns=["topic", "key", "value", "headers"], dtype=object)


def _bytes(value: Any) -> bytes | None:
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else None
