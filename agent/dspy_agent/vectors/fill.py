"""Makes the vectors that a store lacks, in the background of other work.

Each batch is on disk before the next one begins: a fill that is stopped, or killed, goes on where it was. The
size of a batch follows the speed of the model, so that a stop is heeded within about half a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from dspy_agent.vectors.arrays import Keys, Positions, check_dimension
from dspy_agent.vectors.embedder import Embedder
from dspy_agent.vectors.local.files import unusable
from dspy_agent.vectors.store import VectorStore
from dspy_agent.workspace.atomic import exclusive
from dspy_agent_core.errors import ModelError

_FIRST_BATCH: Final = 2
_MOST_IN_A_BATCH: Final = 2048
_SECONDS_A_BATCH: Final = 0.5


class Source(Protocol):
    """The texts to embed, most useful first."""

    @property
    def keys(self) -> Keys:
        """The keys of the texts; equal texts have equal keys."""

    def texts(self, positions: Positions) -> Sequence[str | None]:
        """Return the texts of the keys at ``positions``; None for one that is gone meanwhile."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a fill did.

    Args:
        made: vectors that are new.
        had: keys that had theirs.
        gone: keys whose text was gone.
        left: keys that still lack theirs, because the fill was stopped.
        busy: another process is filling the store: nothing was done.
    """

    made: int = 0
    had: int = 0
    gone: int = 0
    left: int = 0
    busy: bool = False


def fill(
    store: VectorStore,
    embedder: Embedder,
    source: Source,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> Filled:
    """Make the vectors of ``source`` that ``store`` lacks; one process at a time does.

    Args:
        store: takes each batch as it is made.
        embedder: the model whose vectors ``store`` holds.
        source: what to embed.
        progress: called after each batch with how many of how many keys have their vector or are gone.
        stop: set from another thread to end early.

    Raises:
        ModelError: the model fails, or is not the store's; batches before that are kept.
        WorkspaceError, VectorStoreError: the store fails.
    """
    _check_model(store, embedder)
    stop = stop or threading.Event()
    lock = store.fill_lock
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(lock, wait=False) as mine:
            if not mine:
                return Filled(left=_missing(store, source.keys)[0].size, busy=True)
            return _fill(store, embedder, source, progress, stop)
    except OSError as error:
        raise unusable(lock.parent, "written", error) from None


def _fill(
    store: VectorStore,
    embedder: Embedder,
    source: Source,
    progress: Callable[[int, int], None] | None,
    stop: threading.Event,
) -> Filled:
    keys = source.keys
    missing, total = _missing(store, keys)
    made = gone = at = 0
    size = _FIRST_BATCH
    while at < len(missing) and not stop.is_set():
        began = time.monotonic()
        batch = missing[at : at + size]
        at += len(batch)
        texts = source.texts(batch)
        there = [number for number, text in enumerate(texts) if text is not None]
        gone += len(batch) - len(there)
        if there:
            vectors = embedder.embed_documents([text for text in texts if text is not None])
            check_dimension(vectors, store.dimension, embedder.model)
            store.add(keys[batch[there]], vectors)
            made += len(there)
        if progress:
            progress(total - len(missing) + at, total)
        size = _next_size(size, time.monotonic() - began)
    return Filled(made, total - len(missing), gone, len(missing) - at)


def _missing(store: VectorStore, keys: Keys) -> tuple[Positions, int]:
    """Return where keys that lack a vector are, each key once, in order; and how many keys there are."""
    _, first = np.unique(keys, return_index=True)
    first.sort()
    return first[~store.have(keys[first])], len(first)


def _next_size(size: int, seconds: float) -> int:
    """Return the size of the next batch; it grows slowly and shrinks at once."""
    fitting = int(size * _SECONDS_A_BATCH / max(seconds, 1e-3))
    return max(1, min(fitting, 2 * size, _MOST_IN_A_BATCH))


def _check_model(store: VectorStore, embedder: Embedder) -> None:
    if (store.model, store.dimension) != (embedder.model, embedder.dimension):
        raise ModelError(
            f"The store holds vectors of {store.model} ({store.dimension}), not of {embedder.model} "
            f"({embedder.dimension}).",
            code="AnotherModel",
            next="Make vectors of the model that is set now: dspy-agent emb-index",
        )
