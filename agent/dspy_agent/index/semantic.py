"""The vectors of an index: which chunks have one, making the others, and searching by meaning."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent.index.hits import Lines
from dspy_agent.index.index import Index
from dspy_agent.vectors.arrays import Keys, Positions
from dspy_agent.vectors.embedder import Embedder, open_embedder
from dspy_agent.vectors.fill import Filled, fill
from dspy_agent.vectors.store import STORE_VARIABLE, VectorStore, models_here, open_store
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent_core.code.links import is_test
from dspy_agent_core.errors import AgentError
from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.chunks import embedded_text
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.terms import term_hash

# Chosen on the tuning half of benchmarks/code_search.
_STATIC_WEIGHT: Final = 0.4
_WEIGHT: Final = 0.6
_COMPLETE: Final = "complete"  # what was complete when it was last looked at


def chunk_keys(corpus: Corpus) -> Keys:
    """Return (chunks,) the key of each chunk's text; 0 for those that are not alive."""
    parts = [np.where(s.alive, s.arrays["keys"], np.uint64(0)) for s in corpus.segments]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


class ChunkTexts:
    """The texts of a corpus's chunks, in the order in which vectors are most useful: definitions, then tests.

    A chunk whose file has changed since it was indexed has no text: its key would be another one.
    """

    def __init__(self, workspace: Path, corpus: Corpus) -> None:
        self._corpus = corpus
        self._lines = Lines(workspace)
        alive = np.flatnonzero(corpus.alive)
        self._chunks = alive[np.argsort(_turn(corpus)[alive], kind="stable")]
        self.keys: Keys = chunk_keys(corpus)[self._chunks]

    def texts(self, positions: Positions) -> list[str | None]:
        """Return the texts of the keys at ``positions``."""
        found: list[str | None] = []
        for position in positions.tolist():
            place = place_of(self._corpus, int(self._chunks[position]))
            lines = self._lines.of(place.path)[place.line - 1 : place.end_line]
            text = embedded_text(place.path, place.symbol, lines)
            found.append(text if term_hash(text) == int(self.keys[position]) else None)
        return found


def _turn(corpus: Corpus) -> NDArray[np.int64]:
    """Return (chunks,) 0 for definitions, 1 for other text, 2 for tests."""
    parts = []
    for segment in corpus.segments:
        tests = np.array([is_test(path) for path in segment.paths], np.bool_)[segment.arrays["chunk_file"]]
        parts.append(np.where(tests, 2, np.where(segment.arrays["names"] != 0, 0, 1)))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


class Semantic:
    """The vectors of ``index`` by the model and in the store that the environment names.

    Raises:
        MissingRequirement, ModelError, UsageError: there is no such model, or it does not answer.
        VectorStoreError: the store does not answer.
    """

    def __init__(self, index: Index, environment: Mapping[str, str] = os.environ) -> None:
        self._index = index
        self.folder = index.folder / "vectors"
        self.embedder: Embedder = open_embedder(environment)
        self.store: VectorStore = open_store(self.folder, self.embedder, environment=environment)
        self._place = hashlib.sha256(
            f"{self.store.model} {self.store.dimension} {environment.get(STORE_VARIABLE)}".encode()
        ).hexdigest()[:16]
        self._keys: tuple[Corpus, Keys] | None = None

    @property
    def weight(self) -> float:
        """How much these vectors count beside a search by words."""
        return _STATIC_WEIGHT if self.embedder.model.startswith("wordllama:") else _WEIGHT

    def keys(self) -> tuple[Corpus, Keys]:
        """Return the corpus as it is now, and its keys; the same array as long as it stays."""
        corpus = self._index.corpus
        if self._keys is None or self._keys[0] is not corpus:
            self._keys = (corpus, chunk_keys(corpus))
        return self._keys

    def is_complete(self) -> bool:
        """Return whether all chunks had a vector when that was last looked at, without asking the store."""
        try:
            return (self.folder / _COMPLETE).read_text(encoding="ascii") == self._state()
        except OSError:
            return False

    def _state(self) -> str:
        corpus, keys = self.keys()
        return f"{self._place} {zlib.crc32(np.sort(keys[corpus.alive]).tobytes()):08x}"

    def _note_completeness(self, complete: bool) -> None:
        note = self.folder / _COMPLETE
        with contextlib.suppress(OSError):
            if complete:
                write_atomic(note, [self._state().encode("ascii")])
            else:
                note.unlink(missing_ok=True)

    def covered(self) -> tuple[int, int]:
        """Return how many chunks have a vector, and how many there are."""
        corpus, keys = self.keys()
        alive = keys[corpus.alive]
        have = int(self.store.have(alive).sum()) if len(alive) else 0
        self._note_completeness(have == len(alive))
        return have, len(alive)

    def search(self, text: str, limit: int, mask: NDArray[np.bool_] | None = None) -> list[tuple[int, float]]:
        """Return the chunks whose vectors are nearest to that of ``text``, and the cosines, best first."""
        corpus, keys = self.keys()
        if mask is not None:
            keys = np.where(mask, keys, np.uint64(0))
        if not corpus.count:
            return []
        positions, cosines = self.store.search(self.embedder.embed_query(text), keys, limit)
        found = [
            (chunk, cosine)
            for chunk, cosine in zip(positions.tolist(), cosines.tolist(), strict=True)
            if corpus.alive[chunk]
        ]
        if not found and mask is None:
            self._note_completeness(False)  # a store that was emptied meanwhile
        return found

    def fill(
        self,
        progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Filled:
        """Make the vectors that are missing. Raises as :func:`dspy_agent.vectors.fill.fill` does."""
        source = ChunkTexts(self._index.workspace, self._index.corpus)
        return fill(self.store, self.embedder, source, progress, stop)

    def prune(self) -> int:
        """Drop vectors of chunks that are gone, where that is worth it; return how many."""
        corpus, keys = self.keys()
        return self.store.prune(keys[corpus.alive])

    def others(self) -> list[str]:
        """Return the ids of other models that have vectors here."""
        mine = (self.store.model, self.store.dimension)
        return [kept.model for kept in models_here(self.folder) if (kept.model, kept.dimension) != mine]


class BackgroundFill:
    """Makes the vectors of an index in a thread, beside other work; failures are kept, not raised."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vectors", daemon=True)
        self.failure: AgentError | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Say that the index changed."""
        self._wake.set()

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            semantic = Semantic(self._index)
            while not self._stop.is_set():
                self._wake.clear()
                semantic.fill(stop=self._stop)
                self._wake.wait()
        except AgentError as error:
            self.failure = error
