"""Sends the own lines of a workspace's event log to ``agent.learning``. The log itself is the queue.

The cursor moves behind what the broker has confirmed, and only then: a broker that is away, or takes a
line and then fails, loses none. What is sent twice has the same id.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.log import Reader
from dspy_agent.learning.log_mark import START, LogMark
from dspy_agent.learning.mirror_cursor import Cursor
from dspy_agent.streams.outbox import Job, Outbox, Work
from dspy_agent_core.contracts.messages import BadMessage, LearningEvent, decode

SHARED: Final = "shared"  # of lines that came from the topic
_MOST_LINES: Final = 500  # at a time
_SAVE_SECONDS: Final = 0.5


class Mirror:
    """Sends what is new in the log of ``workspace``, by ``outbox``.

    Attributes:
        sent: how many lines were confirmed.
        damaged: how many were passed over, since they are no events.
    """

    def __init__(self, workspace: Path, cursor: Cursor, topic: str, outbox: Outbox) -> None:
        self._log = workspace / LOG_NAME
        self._cursor = cursor
        self._topic = topic
        self._outbox = outbox
        self._save_at = 0.0
        self._at_end = False
        self.sent = self.damaged = 0
        self._read, self._work = cursor.sent, Work(cursor.sent.offset)

    @property
    def waiting(self) -> int:
        """How many bytes of the log are not confirmed."""
        try:
            return max(0, self._log.lstat().st_size - self._work.place())
        except OSError:
            return 0

    @property
    def caught_up(self) -> bool:
        """Whether all lines that are whole are confirmed."""
        return self._at_end and not self._work.open

    def step(self) -> bool:
        """Send some lines that are new; return whether there may be more at once.

        Raises:
            OSError: the log can't be read, or the cursor not be written.
        """
        if not self._read.is_in(self._log):
            self._read, self._work = START, Work(0)
        self.save()
        if self._outbox.full:
            return False
        reader, count = Reader(self._log, self._work.next), 0
        for line in reader.lines():
            job = self._work.begin(self._work.next)
            self._work.next = reader.offset
            self._send(line, job)
            count += 1
            if count >= _MOST_LINES or self._outbox.full:
                break
        self._at_end = count == 0
        if count:
            self._read = LogMark.at(self._log, self._work.next) or START
        return count >= _MOST_LINES

    def save(self, *, now: bool = False) -> None:
        """Save how far the broker has confirmed, twice a second at most, or ``now``.

        Raises:
            OSError: it can't be read or written.
        """
        place = self._work.place()
        if place == self._cursor.sent.offset or not (now or time.monotonic() >= self._save_at):
            return
        self._save_at = time.monotonic() + _SAVE_SECONDS
        if (mark := LogMark.at(self._log, place)) is not None:
            self._cursor.save(sent=mark)

    def _send(self, line: bytes | None, job: Job) -> None:
        def done() -> None:
            self.sent += 1
            job.finish()

        try:
            event = decode(LearningEvent, line)
        except BadMessage:
            self.damaged += 1
            job.finish()
            return
        if line is None or (event.model_extra or {}).get(SHARED):
            job.finish()
        else:
            self._outbox.send(self._topic, event.decision_id.encode(), line, done, done)
