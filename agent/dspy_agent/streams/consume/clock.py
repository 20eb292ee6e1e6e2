"""What time it is at the broker, never too late."""

from __future__ import annotations

from typing import Final

_KEEP_MS: Final = 300_000


class BrokerClock:
    """Estimates a broker's clock from the times of its records.

    ``own clock at receipt - time at the broker`` is the difference of the clocks plus the way, so its
    smallest value, taken from the own clock, is never past the broker's time. Differences older than
    five to ten minutes are forgotten, since clocks drift and are set.
    """

    def __init__(self) -> None:
        self._recent: int | None = None
        self._older: int | None = None
        self._since = 0

    def observe(self, received: int, time: int) -> None:
        """Take a record with ``time`` that came at ``received`` of the own clock, all in milliseconds."""
        difference = received - time
        if self._recent is None or received - self._since >= _KEEP_MS:
            self._older, self._recent, self._since = self._recent, difference, received
        self._recent = min(self._recent, difference)

    def now(self, own: int) -> int | None:
        """Return the broker's time at ``own``; None if no record came yet."""
        known = [value for value in (self._recent, self._older) if value is not None]
        return own - min(known) if known else None
