"""What the job keeps of a partition from one micro-batch to the next: plain, versioned bytes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from itertools import chain
from typing import Final

from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.logs import Baseline
from dspy_agent_core.streams.windows import PartitionWindows, RawRecord

_VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A partition between two micro-batches.

    Args:
        baseline: the counts of the window that was closed last; None before the first.
        records: the records of the open window, in their order. Bounded as the windows are.
    """

    baseline: Baseline | None = None
    records: tuple[RawRecord, ...] = ()

    def dumps(self) -> bytes:
        """Return the state as bytes: a version, then compressed JSON."""
        baseline = asdict(self.baseline) if self.baseline is not None else None
        text = json.dumps([baseline, [astuple(record) for record in self.records]], separators=(",", ":"))
        return _VERSION + zlib.compress(text.encode(), 1)

    @classmethod
    def loads(cls, data: bytes) -> PartitionState:
        """Return the state in ``data``.

        Raises:
            ValueError: another version of the job wrote it.
        """
        if data[:1] != _VERSION:
            raise ValueError(f"the state in the checkpoint has version {data[:1].hex() or 'none'}, not 01")
        baseline, records = json.loads(zlib.decompress(data[1:]))
        return cls(
            Baseline(**baseline) if baseline is not None else None,
            tuple(RawRecord(*record) for record in records),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What one micro-batch does to a partition.

    Args:
        contexts: of the windows that ended.
        state: to be kept.
        due: the broker's time at which the open window ends if no record comes; None if none is open.
    """

    contexts: tuple[Context, ...]
    state: PartitionState
    due: int | None


def step(
    app: str,
    partition: int,
    state: PartitionState,
    records: Iterable[RawRecord] = (),
    *,
    now: int | None = None,
    cut: bool = False,
) -> Step:
    """Take the next ``records`` of a partition, in the order of their offsets.

    Offsets that begin again are those of a topic that was deleted and made anew.

    Args:
        app: the app whose lines these are.
        partition: the number of the partition.
        state: what the step before left.
        records: the new records.
        now: the broker's time before which no record can still come, if that is known.
        cut: close the open window, due or not.
    """
    windows = PartitionWindows(app, partition, baseline=state.baseline)
    contexts: list[Context] = []
    kept: list[RawRecord] = []
    for record in chain(state.records, records):
        made_anew = kept and record.offset <= kept[-1].offset
        for closed in (windows.cut() if made_anew else None, windows.feed(record)):
            if closed is not None:
                contexts.append(closed)
                kept.clear()
        kept.append(record)
    closed = windows.cut() if cut else windows.advance(now) if now is not None else None
    if closed is not None:
        contexts.append(closed)
        kept.clear()
    return Step(tuple(contexts), PartitionState(windows.baseline, tuple(kept)), windows.due)
