"""Makes a segment: the chunks of some files as arrays, with the postings of their terms.

Words are counted by C code and only each different word is split and hashed; terms, chunks and counts are
then put together by sorting one array of packed integers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent_core.code.structure import FileStructure, split_lines
from dspy_agent_core.index.chunks import KIND_CODES, Chunk, chunk_file, embedded_text
from dspy_agent_core.index.codec import Arrays, pack_texts
from dspy_agent_core.index.terms import CALL, term_hash, terms_of, words_of

FIELDS: Final = ("name", "scope", "path", "signature", "doc", "body")
NAME, SCOPE, PATH, SIGNATURE, DOC, BODY = range(len(FIELDS))
FIELD_BITS: Final = 3
MAX_COUNT: Final = (1 << 13) - 1
_CHUNK_BITS: Final = 24
_NO_CALL_TEXT: Final = """
    if for while switch catch return and or not in print assert def function fn func elif except with match
    super sizeof typeof await yield lambda del raise is else new
"""
_NO_CALL: Final = frozenset(_NO_CALL_TEXT.split()) | {""}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to index: its path relative to the workspace, text and structure (None: no known syntax)."""

    path: str
    text: str
    structure: FileStructure | None


class _Vocabulary(dict[str, int]):
    """Numbers words in the order in which they come."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class SegmentBuilder:
    """Collects files; :meth:`arrays` is the segment. See ``segment.Segment`` for what the arrays are."""

    def __init__(self) -> None:
        self._words = _Vocabulary()
        self._word_ids: list[int] = []
        self._counts: list[int] = []
        self._runs: list[tuple[int, int]] = []  # (chunk << FIELD_BITS | field, how many words)
        self._rows: list[tuple[int, int, int, int, int]] = []  # file, line, end_line, first, kind
        self._symbols: list[str] = []
        self._signatures: list[str] = []
        self._keys: list[int] = []
        self._calls: list[list[int]] = []
        self._bases: list[list[int]] = []
        self._paths: list[str] = []
        self._imports: list[str] = []
        self._hashes: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many words it holds: what its size goes by."""
        return len(self._word_ids)

    def add(self, file: SourceFile) -> None:
        """Add one file. One that can't be cut into chunks leaves no trace."""
        lines = split_lines(file.text)
        chunks = chunk_file(file.text, file.structure) or [Chunk("window", "", 1, 1, 1, "", "", "")]
        path_words = Counter(words_of(file.path.rpartition(".")[0] or file.path))
        imports = file.structure.imports if file.structure else ()
        number = len(self._paths)
        self._paths.append(file.path)
        self._imports.append("\n".join(" ".join((i.module, *i.names)) for i in imports))
        for chunk in chunks:
            self._add_chunk(
                number,
                chunk,
                path_words,
                embedded_text(file.path, chunk.symbol, lines[chunk.line - 1 : chunk.end_line]),
            )

    def _add_chunk(self, number: int, chunk: Chunk, path_words: Counter[str], embedded: str) -> None:
        at = len(self._rows)
        scope, _, name = chunk.symbol.rpartition(".")
        self._rows.append((number, chunk.line, chunk.end_line, chunk.first, KIND_CODES[chunk.kind]))
        self._symbols.append(chunk.symbol)
        self._signatures.append(chunk.signature)
        self._keys.append(term_hash(embedded))
        self._bases.append([self._hash(base.rpartition(".")[2]) for base in chunk.bases])
        self._count(at, PATH, path_words)
        for field, text in (
            (NAME, name),
            (SCOPE, scope),
            (SIGNATURE, chunk.signature),
            (DOC, chunk.doc),
            (BODY, chunk.body),
        ):
            if text:
                counted = Counter(words_of(text))
                self._count(at, field, counted)
        called = [word[:-1] for word in counted if word[-1] == CALL] if chunk.body else []
        self._calls.append([self._hash(word) for word in called if word not in _NO_CALL and word != name])

    def _count(self, chunk: int, field: int, words: Counter[str]) -> None:
        self._word_ids.extend(map(self._words.__getitem__, words))
        self._counts.extend(words.values())
        self._runs.append((chunk << FIELD_BITS | field, len(words)))

    def _hash(self, text: str) -> int:
        found = self._hashes.get(text)
        if found is None:
            found = self._hashes[text] = term_hash(text)
        return found

    def arrays(self) -> Arrays:
        """Return the segment's arrays."""
        rows = np.array(self._rows, np.uint32).reshape(-1, 5)
        paths, path_starts = pack_texts(self._paths)
        imports, import_starts = pack_texts(self._imports)
        symbols, symbol_starts = pack_texts(self._symbols)
        signatures, signature_starts = pack_texts(self._signatures)
        calls, call_starts = _lists(self._calls)
        bases, base_starts = _lists(self._bases)
        names = [self._hash(symbol.rpartition(".")[2]) if symbol else 0 for symbol in self._symbols]
        return {
            "paths": paths, "path_starts": path_starts,
            "imports": imports, "import_starts": import_starts,
            "chunk_file": rows[:, 0].copy(), "line": rows[:, 1].copy(), "end_line": rows[:, 2].copy(),
            "first": rows[:, 3].copy(), "kind": rows[:, 4].astype(np.uint8),
            "symbols": symbols, "symbol_starts": symbol_starts,
            "signatures": signatures, "signature_starts": signature_starts,
            "names": np.array(names, np.uint64), "keys": np.array(self._keys, np.uint64),
            "calls": calls, "call_starts": call_starts, "bases": bases, "base_starts": base_starts,
            **self._postings(len(rows)),
        }  # fmt: skip

    def _postings(self, chunks: int) -> Arrays:
        terms, term_starts, keys = self._terms()
        words = np.array(self._word_ids, np.int64)
        counts = np.minimum(np.array(self._counts, np.int64), MAX_COUNT)
        runs = np.array(self._runs, np.int64).reshape(-1, 2)
        places = np.repeat(runs[:, 0], runs[:, 1])
        # Each word becomes its terms.
        widths = (term_starts[1:] - term_starts[:-1])[words]
        first = np.repeat(term_starts[words], widths)
        within = np.arange(len(first)) - np.repeat(np.cumsum(widths) - widths, widths)
        packed = terms[first + within] << (_CHUNK_BITS + FIELD_BITS) | np.repeat(places, widths)
        amounts = np.repeat(counts, widths)
        # Sorted by term, chunk and field; equal ones are added up.
        order = np.argsort(packed, kind="stable")
        packed, amounts = packed[order], amounts[order]
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        totals = np.minimum(np.add.reduceat(amounts, starts), MAX_COUNT) if len(starts) else amounts
        packed = packed[starts]
        ranks = packed >> (_CHUNK_BITS + FIELD_BITS)
        field = packed & ((1 << FIELD_BITS) - 1)
        chunk = (packed >> FIELD_BITS) & ((1 << _CHUNK_BITS) - 1)
        lengths = np.bincount(chunk * len(FIELDS) + field, weights=totals, minlength=chunks * len(FIELDS))
        offsets = np.searchsorted(ranks, np.arange(len(keys) + 1))
        return {
            "terms": keys,
            "posting_starts": offsets.astype(np.uint32),
            "posting_chunks": chunk.astype(np.uint32),
            "posting_counts": (totals << FIELD_BITS | field).astype(np.uint16),
            "lengths": np.minimum(lengths, 65535).astype(np.uint16).reshape(chunks, len(FIELDS)),
        }

    def _terms(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
        """Return each word's terms (ranks in the sorted keys), where each word's begin, and the keys."""
        numbers = _Vocabulary()
        flat: list[int] = []
        widths: list[int] = []
        for word in self._words:
            terms = terms_of(word.rstrip(CALL))
            flat.extend(map(numbers.__getitem__, terms))
            widths.append(len(terms))
        keys = np.array([term_hash(term) for term in numbers], np.uint64)
        order = np.argsort(keys)
        rank = np.empty(len(keys), np.int64)
        rank[order] = np.arange(len(keys))
        starts = np.zeros(len(widths) + 1, np.int64)
        np.cumsum(widths, out=starts[1:])
        return rank[np.array(flat, np.int64)], starts, keys[order]


def _lists(lists: Iterable[list[int]]) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """Return lists of keys one after the other, and where each begins (and the last ends)."""
    found = list(lists)
    starts = np.zeros(len(found) + 1, np.uint32)
    np.cumsum([len(item) for item in found], out=starts[1:], dtype=np.uint32)
    return np.array([key for item in found for key in item], np.uint64), starts
