"""Where to begin with a partition that the group has given us."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams.broker import refused
from dspy_agent.streams.consume.position import Position, position_of
from dspy_agent_core.errors import ClusterError

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

    from dspy_agent.streams.program import Program

_TRY_SECONDS: Final = 5.0
_GIVE_UP_SECONDS: Final = 60.0


def starts(
    consumer: Consumer, partitions: list[TopicPartition], program: Program
) -> list[tuple[Position, int]]:
    """Return for each of ``partitions`` where to begin, and the end of it now; nothing if it is to stop.

    Asks until the broker answers, since a guess could make other windows.

    Raises:
        ClusterError: the broker does not answer for a minute, or refuses.
    """
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    from confluent_kafka import KafkaException

    while True:
        program.tick()
        try:
            found = consumer.committed(partitions, timeout=_TRY_SECONDS)
            ends = [consumer.get_watermark_offsets(each, _TRY_SECONDS, cached=False) for each in partitions]
            return [
                (start_at(program, committed, low, high), high)
                for committed, (low, high) in zip(found, ends, strict=True)
            ]
        except KafkaException as failed:
            error = failed.args[0]
            if stop := refused(error, "its group or a raw topic"):
                raise stop from None
            if program.stopping:
                return []
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"The group's offsets can't be read: {error.str()}.",
                    code="NoOffsets",
                    next="Check that the brokers are well; the program then takes up its work.",
                ) from None


def start_at(program: Program, committed: Any, low: int, high: int) -> Position:
    """Return where to begin in a log from ``low`` to ``high``, and tell what of it is gone."""
    name = f"{committed.topic}/{committed.partition}"
    if committed.error is not None:
        from confluent_kafka import KafkaException

        raise KafkaException(committed.error)
    if committed.offset < 0:
        return Position(low)
    start = position_of(committed.offset, committed.metadata)
    if start.offset > high:
        program.report("TopicMadeAnew", f"{name} ends before what was read of it: it is read from its start.")
        return Position(low)
    if start.offset < low:
        lost = low - start.offset
        program.report("RecordsDeleted", f"{lost} records of {name} were deleted before they were read.")
        return Position(low)
    if start.before is not None and start.before < low:
        program.report(
            "NoBaseline", f"The window before is deleted from {name}: nothing counts as new there."
        )
        return Position(start.offset, None, start.cuts)
    return start
