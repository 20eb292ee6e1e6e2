"""What every language's trace comes down to."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A stack frame as the trace names it."""

    path: str
    line: int | None
    function: str | None


@dataclass(frozen=True, slots=True)
class Trace:
    """An exception: ``frames`` innermost first; ``causes`` outermost first, each without own causes."""

    type: str | None
    message: str
    frames: tuple[RawFrame, ...] = ()
    causes: tuple[Trace, ...] = ()

    def caused_by(self, causes: list[Trace]) -> Trace:
        """Return this trace with ``causes``."""
        return replace(self, causes=tuple(causes))


@dataclass(slots=True)
class Block:
    """One exception of a trace while it is being read; ``frames`` in the order of the text."""

    type: str | None
    message: list[str]
    frames: list[RawFrame]

    def build(self, *, innermost_last: bool = False) -> Trace:
        """Return the finished exception."""
        frames = tuple(reversed(self.frames)) if innermost_last else tuple(self.frames)
        return Trace(self.type, "\n".join(self.message).strip(), frames)
