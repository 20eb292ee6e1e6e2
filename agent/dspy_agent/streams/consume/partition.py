"""One partition of a raw topic on its way to contexts: what was read, what is sent, what may be committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from dspy_agent.streams.consume.position import MAX_CUTS, Position
from dspy_agent_core.contracts.dead_letters import Letter
from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.streams.windows import PartitionWindows, RawRecord, WindowOptions


@dataclass(slots=True, eq=False)
class Batch:
    """One window and the messages of it that are not delivered yet: its context and its dead letters.

    ``alarm`` is the broker time of its first line of level warning or above.
    """

    first: int
    last: int | None = None
    undelivered: int = 0
    silent: bool = False
    alarm: int | None = None

    @property
    def done(self) -> bool:
        """Whether the window is closed and all of it delivered."""
        return self.last is not None and not self.undelivered


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent, and the batch that waits for it."""

    message: Context | Letter
    batch: Batch


class Partition:
    """The state of one assigned partition. Knows neither Kafka nor a clock.

    Args:
        app: whose lines these are.
        topic: the raw topic.
        number: the partition.
        start: where it was committed; None if it never was.
        windows: when a window ends.
    """

    def __init__(
        self, app: str, topic: str, number: int, start: Position | None, windows: WindowOptions | None = None
    ) -> None:
        self.app, self.topic, self.number = app, topic, number
        self._windows = PartitionWindows(app, number, windows)
        self._committed = start or Position(0)
        self._before = self._committed.before
        self._offset = self._committed.offset
        self._cuts = deque(self._committed.cuts)
        self._lead: list[RawRecord] | None = [] if self._before is not None else None
        self._batches: deque[Batch] = deque()
        self._open: Batch | None = None
        self._decided: int | None = None
        self._waiting: list[tuple[RawRecord, Letter | None]] = []
        # The next offset to read, as far as it is known.
        self.next = self._offset if self._before is None else self._before

    @property
    def has_all_of_before(self) -> bool:
        """Whether the records of the window before were read; true too if there is none to read."""
        return self._lead is None or bool(self._lead and self._lead[0].offset == self._before)

    @property
    def due(self) -> int | None:
        """The broker time at which silence ends the open window; None if it can't or need not."""
        if self._decided is not None or len(self._pending_cuts()) >= MAX_CUTS:
            return None
        return self._windows.due

    def take(self, record: RawRecord, letter: Letter | None = None) -> Iterator[Outgoing]:
        """Take the next record, with its dead letter if it can't be read; yield what is to be sent."""
        self.next = record.offset + 1
        if self._decided is not None:
            self._waiting.append((record, letter))
            return
        if self._lead is not None and record.offset < self._committed.offset:
            self._lead.append(record)
            return
        self._use_lead()
        alarm = self._windows.alarm
        if context := self._windows.feed(record):
            yield self._close(context, alarm)
        if self._open is None:
            self._open = Batch(record.offset)
            self._batches.append(self._open)
        if letter is not None:
            self._open.undelivered += 1
            yield Outgoing(letter, self._open)
        if self._cuts and record.offset >= self._cuts[0]:
            self._cuts.popleft()
            yield from self._cut()

    def is_replayed(self, offset: int) -> bool:
        """Return whether the record at ``offset`` is read for the baseline only: it was delivered."""
        return offset < self._committed.offset

    def decide(self, force: bool = False) -> bool:
        """Decide that silence ends the open window here; it ends once ``confirm`` is called."""
        if self._open is None or self._decided is not None or not (force or self.due is not None):
            return False
        self._decided = self._windows.last_offset
        return True

    def confirm(self, committed: Position) -> Iterator[Outgoing]:
        """Note what was committed; yield the contexts that may be sent for it."""
        if self._decided is None or self._decided not in committed.cuts:
            return
        self._decided = None
        yield from self._cut()
        waiting, self._waiting = self._waiting, []
        for record, letter in waiting:
            yield from self.take(record, letter)

    def position(self) -> Position:
        """Return what may be committed now."""
        while self._batches and self._batches[0].done:
            batch = self._batches.popleft()
            self._before, self._offset = batch.first, (batch.last or 0) + 1
        if self._batches:
            self._offset = self._batches[0].first
        cuts = [*self._pending_cuts(), *self._cuts]
        return Position(self._offset, self._before, tuple(sorted(cuts)))

    @property
    def waits(self) -> bool:
        """Whether a decision waits until it is committed."""
        return self._decided is not None

    @property
    def waiting(self) -> int:
        """Records that wait for a decision to be committed."""
        return len(self._waiting)

    @property
    def undelivered(self) -> int:
        """Messages that are not delivered yet."""
        return sum(batch.undelivered for batch in self._batches)

    @property
    def is_open(self) -> bool:
        """Whether a window is open."""
        return self._open is not None

    def _pending_cuts(self) -> list[int]:
        cuts = [batch.last for batch in self._batches if batch.silent and batch.last is not None]
        return cuts if self._decided is None else [*cuts, self._decided]

    def _use_lead(self) -> None:
        if self._lead is None:
            return
        if self.has_all_of_before:
            self._windows.rebuild(self._lead)
        self._lead = None

    def _cut(self) -> Iterator[Outgoing]:
        alarm = self._windows.alarm
        if context := self._windows.cut():
            yield self._close(context, alarm, silent=True)

    def _close(self, context: Context, alarm: int | None, *, silent: bool = False) -> Outgoing:
        batch = self._open
        if batch is None:
            raise AssertionError("a window without a batch")
        batch.last, batch.silent, batch.alarm = context.last_offset, silent, alarm
        batch.undelivered += 1
        self._open = None
        return Outgoing(context, batch)
