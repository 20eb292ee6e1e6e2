"""A segment: some files of the index with their chunks and postings, never changed once written.

Arrays, for ``f`` files, ``c`` chunks (in the order of files and lines), ``t`` terms and ``p`` postings:

    paths, path_starts (f + 1)            relative paths
    imports, import_starts (f + 1)        a line an import: the module, then the names taken out of it
    chunk_file, line, end_line, first (c) file number, lines from 1 (``first``: of the comment above)
    kind (c)                              index in ``chunks.KINDS``
    symbols, signatures, …_starts (c + 1) qualified name (may be empty), signature
    names (c)                             hash of the name alone, 0 for none
    keys (c)                              hash of the text that a vector is made of
    calls, bases, …_starts (c + 1)        hashes of the names called and inherited from
    terms (t)                             hashes, ascending
    posting_starts (t + 1)                each term's postings
    posting_chunks, posting_counts (p)    ascending chunks; count << 3 | field
    lengths (c, fields)                   terms in each field, at most 65535
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent_core.index.build import FIELD_BITS, MAX_COUNT
from dspy_agent_core.index.codec import Arrays, all_texts, text_at

_BLOBS = ("paths", "imports", "symbols", "signatures")
_BLOB_STARTS = {"paths": "path_starts", "imports": "import_starts", "symbols": "symbol_starts",
                "signatures": "signature_starts"}  # fmt: skip
ARRAYS: Final = frozenset((
    *_BLOBS, *_BLOB_STARTS.values(), "chunk_file", "line", "end_line", "first", "kind", "names", "keys",
    "calls", "call_starts", "bases", "base_starts", "terms", "posting_starts", "posting_chunks",
    "posting_counts", "lengths",
))  # fmt: skip
_RANK_BITS, _CHUNK_BITS = 24, 24


class Segment:
    """A view of a segment's arrays.

    Args:
        arrays: see the module.
        alive: (files,) which files are still those of the workspace; None for all.
    """

    def __init__(self, arrays: Arrays, alive: NDArray[np.bool_] | None = None) -> None:
        self.arrays = arrays
        self.files = len(arrays["path_starts"]) - 1
        self.chunks = len(arrays["chunk_file"])
        self.alive_files = np.ones(self.files, np.bool_) if alive is None else alive
        self.whole = bool(self.alive_files.all())

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """(chunks,) which chunks are of files that are alive."""
        found: NDArray[np.bool_] = self.alive_files[self.arrays["chunk_file"]]
        return found

    @cached_property
    def paths(self) -> list[str]:
        """The paths of its files, dead ones included."""
        return all_texts(self.arrays["paths"], self.arrays["path_starts"])

    def path(self, chunk: int) -> str:
        """Return the path of a chunk's file."""
        return text_at(
            self.arrays["paths"], self.arrays["path_starts"], int(self.arrays["chunk_file"][chunk])
        )

    def text(self, blob: str, index: int) -> str:
        """Return one text of ``paths``, ``imports``, ``symbols`` or ``signatures``."""
        return text_at(self.arrays[blob], self.arrays[_BLOB_STARTS[blob]], index)

    def postings(self, term: int) -> tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.uint16]] | None:
        """Return the chunks (ascending, once for each field), fields and counts of a term's hash."""
        terms = self.arrays["terms"]
        at = int(np.searchsorted(terms, np.uint64(term)))
        if at == len(terms) or int(terms[at]) != term:
            return None
        low, high = (int(x) for x in self.arrays["posting_starts"][at : at + 2])
        chunks = self.arrays["posting_chunks"][low:high].astype(np.intp)
        packed = self.arrays["posting_counts"][low:high]
        if not self.whole:
            kept = self.alive[chunks]
            chunks, packed = chunks[kept], packed[kept]
        return (
            chunks,
            (packed & ((1 << FIELD_BITS) - 1)).astype(np.uint8),
            (packed >> FIELD_BITS).astype(np.uint16),
        )

    def keys_of(self, blob: str, chunk: int) -> NDArray[np.uint64]:
        """Return the hashes of what a chunk ``calls`` or of its ``bases``."""
        starts = self.arrays["call_starts" if blob == "calls" else "base_starts"]
        found: NDArray[np.uint64] = self.arrays[blob][int(starts[chunk]) : int(starts[chunk + 1])]
        return found


def merge(segments: Sequence[Segment]) -> Arrays:
    """Return one segment with all that is alive in ``segments``, in their order."""
    out: dict[str, list[NDArray[Any]]] = {}
    files = 0
    for segment in segments:
        arrays = segment.arrays
        file_kept, chunk_kept = segment.alive_files, segment.alive
        renumbered = np.cumsum(file_kept) - 1 + files
        files += int(file_kept.sum())
        for name in ("line", "end_line", "first", "kind", "names", "keys", "lengths"):
            out.setdefault(name, []).append(arrays[name][chunk_kept])
        out.setdefault("chunk_file", []).append(
            renumbered[arrays["chunk_file"][chunk_kept]].astype(np.uint32)
        )
        for name, starts, kept in (
            ("paths", "path_starts", file_kept),
            ("imports", "import_starts", file_kept),
            ("symbols", "symbol_starts", chunk_kept),
            ("signatures", "signature_starts", chunk_kept),
            ("calls", "call_starts", chunk_kept),
            ("bases", "base_starts", chunk_kept),
        ):
            body, lengths = _kept_lists(arrays[name], arrays[starts], kept)
            out.setdefault(name, []).append(body)
            out.setdefault(starts, []).append(lengths)
    merged = {name: np.concatenate(parts) for name, parts in out.items()}
    for name in [name for name in merged if name.endswith("_starts")]:
        lengths = merged[name]
        merged[name] = np.zeros(len(lengths) + 1, np.uint32)
        np.cumsum(lengths, out=merged[name][1:], dtype=np.uint32)
    return merged | _merged_postings(segments)


def _kept_lists(
    body: NDArray[Any], starts: NDArray[np.uint32], kept: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    lengths = _lengths(starts)
    return body[np.repeat(kept, lengths)], lengths[kept]


def _lengths(starts: NDArray[np.uint32]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = starts[1:].astype(np.int64) - starts[:-1]
    return found


def _merged_postings(segments: Sequence[Segment]) -> Arrays:
    terms = np.unique(np.concatenate([segment.arrays["terms"] for segment in segments]))
    packed: list[NDArray[np.uint64]] = []
    base = 0
    for segment in segments:
        arrays = segment.arrays
        ranks = np.searchsorted(terms, arrays["terms"]).astype(np.uint64)
        ranks = np.repeat(ranks, _lengths(arrays["posting_starts"]))
        renumbered = (np.cumsum(segment.alive) - 1 + base).astype(np.uint64)
        base += int(segment.alive.sum())
        chunks = arrays["posting_chunks"]
        whole = (ranks << np.uint64(40)) | (renumbered[chunks] << np.uint64(16)) | arrays["posting_counts"]
        packed.append(whole[segment.alive[chunks]].astype(np.uint64, copy=False))
    # The count stands above the field in the low bits: chunks ascend, fields may not, and none relies on it.
    postings = np.sort(np.concatenate(packed))
    ranks = (postings >> np.uint64(40)).astype(np.int64)
    used = np.unique(ranks)
    starts = np.append(np.searchsorted(ranks, used), len(ranks))
    return {
        "terms": terms[used],
        "posting_starts": starts.astype(np.uint32),
        "posting_chunks": (postings >> np.uint64(16) & np.uint64((1 << _CHUNK_BITS) - 1)).astype(np.uint32),
        "posting_counts": (postings & np.uint64(0xFFFF)).astype(np.uint16),
    }


MAX_MERGED_POSTINGS = 6_000_000  # bounds the memory of a merge: about 30 bytes each
assert MAX_COUNT << FIELD_BITS | 7 <= 0xFFFF  # noqa: S101
