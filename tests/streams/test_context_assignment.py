"""Where a partition is taken up, and what is told when a part of it is gone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from confluent_kafka import TopicPartition

from dspy_agent.streams.consume.assignment import start_at
from dspy_agent.streams.consume.position import Position

KNOWN = Position(100, 90, (120,))


@pytest.mark.parametrize(
    ("kept", "low", "high", "start", "code"),
    [
        (None, 7, 200, Position(7), None),
        (KNOWN, 0, 200, KNOWN, None),
        (KNOWN, 90, 121, KNOWN, None),
        (KNOWN, 91, 200, Position(100, None, (120,)), "NoBaseline"),
        (KNOWN, 101, 200, Position(101), "RecordsDeleted"),
        (KNOWN, 0, 50, Position(0), "TopicMadeAnew"),
    ],
)
def test_where_it_begins(
    kept: Position | None, low: int, high: int, start: Position, code: str | None
) -> None:
    told: list[str] = []
    program = SimpleNamespace(report=lambda code, message: told.append(code))
    committed = TopicPartition("logs.raw.web", 0, -1001 if kept is None else kept.offset)
    if kept is not None:
        committed = TopicPartition("logs.raw.web", 0, kept.offset, kept.metadata())
    assert start_at(program, committed, low, high) == start  # type: ignore[arg-type]
    assert told == ([] if code is None else [code])
