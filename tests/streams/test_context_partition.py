"""A partition: whatever is delivered, decided or committed when it crashes, contexts stay the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent.streams.consume.clock import BrokerClock
from dspy_agent.streams.consume.partition import Outgoing, Partition
from dspy_agent.streams.consume.position import MAX_CUTS, Position, position_of
from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.streams.windows import RawRecord, WindowOptions

BASE = 1_795_000_000_000
LINES = ["INFO fine", "ERROR bad", "ERROR worse", "Traceback (most recent call last):", "  at once", None]
STEPS = ["append", "append", "read", "read", "deliver", "deliver", "decide", "commit", "acknowledge", "crash"]


class World:
    """A log, its readers, and a broker that keeps what is committed and delivered."""

    def __init__(self, lines: list[str | None]) -> None:
        self.log = [RawRecord(n, BASE + 7 * n, line, "pod") for n, line in enumerate(lines)]
        self.end = 0
        self.kept: tuple[int, str] | None = None
        self.delivered: dict[str, bytes] = {}
        self.start()

    def start(self) -> None:
        start = position_of(*self.kept) if self.kept else None
        self.reader = Partition("web", "logs.raw.web", 0, start, WindowOptions(max_lines=2))
        self.sending: list[Outgoing] = []
        self.committed: list[Position] = []

    def append(self) -> None:
        self.end = min(self.end + 1, len(self.log))

    def read(self) -> None:
        if self.reader.next < self.end:
            self.sending += self.reader.take(self.log[self.reader.next])

    def decide(self) -> None:
        if self.reader.next == self.end and self.reader.due is not None:
            self.reader.decide()

    def commit(self) -> None:
        position = self.reader.position()
        self.kept = position.offset, position.metadata()
        self.committed.append(position)

    def acknowledge(self) -> None:
        for position in self.committed:
            self.sending += self.reader.confirm(position)
        self.committed.clear()

    def deliver(self) -> None:
        if not self.sending:
            return
        outgoing = self.sending.pop(0)
        outgoing.batch.undelivered -= 1
        assert isinstance(outgoing.message, Context)
        value = outgoing.message.encode()
        assert self.delivered.setdefault(outgoing.message.id, value) == value

    def crash(self) -> None:
        self.start()

    def finish(self) -> None:
        self.end = len(self.log)
        while self.reader.next < len(self.log) or self.reader.is_open or self.reader.undelivered:
            self.read()
            if self.reader.next == len(self.log):
                self.reader.decide(force=True)
            self.commit()
            self.acknowledge()
            self.deliver()
        self.commit()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(LINES), min_size=20, max_size=40),
    st.lists(st.sampled_from(STEPS), min_size=80, max_size=200),
)
def test_a_crash_at_any_moment_changes_no_context(lines: list[str | None], steps: list[str]) -> None:
    world = World(lines)
    for step in steps:
        getattr(world, step)()
    world.finish()
    expected = 0
    for said in sorted(map(json.loads, world.delivered.values()), key=lambda said: said["first_offset"]):
        assert (said["first_offset"], said["lines_read"]) == (
            expected,
            said["last_offset"] - expected + 1,
        )
        expected = said["last_offset"] + 1
    assert expected == len(lines)
    assert world.kept is not None
    assert world.kept[0] == len(lines)


def test_metadata_fits_into_what_brokers_take() -> None:
    offset = 10**18
    cuts = tuple(offset + 10**7 * n for n in range(MAX_CUTS))
    position = Position(offset, offset - 10**9, cuts)
    assert len(position.metadata()) < 4096
    assert position_of(offset, position.metadata()) == position


@pytest.mark.parametrize(
    "metadata",
    [None, "", "of others", "[]", '{"v":2,"before":1}', '{"v":1,"before":"x"}', '{"v":1,"before":9}'],
)
def test_metadata_of_others_is_none(metadata: str | None) -> None:
    assert position_of(5, metadata) == Position(5)


def test_the_brokers_time_is_never_too_late() -> None:
    clock = BrokerClock()
    assert clock.now(0) is None
    # The broker is 100 ahead of the own clock, and records take 3 to 50 ms.
    for own, way in ((1000, 50), (2000, 3), (3000, 20)):
        clock.observe(own, own - way + 100)
    assert clock.now(4000) == 4000 - 3 + 100
    # Clocks drift: what was seen ten minutes ago is forgotten.
    for own in range(300_000, 1_200_000, 10_000):
        clock.observe(own, own - 5 - 400)
    assert clock.now(1_200_000) == 1_200_000 - 5 - 400
