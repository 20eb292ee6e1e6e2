"""Ranks chunks for a query: BM25F, then what is known of code about its best candidates.

A definition whose name the query spells comes before uses; a chunk that holds more of the query's words, or
whose name and path they explain, before others; tests, examples, generated code and re-exports after them;
and one file does not fill the list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent_core.code.links import is_test
from dspy_agent_core.index.bm25f import DEFAULT, Corpus, Scores, Weights, score
from dspy_agent_core.index.build import FIELDS
from dspy_agent_core.index.chunks import KIND_CODES
from dspy_agent_core.index.query import Query
from dspy_agent_core.index.terms import term_hash, terms_of, words_of

CANDIDATES: Final = 200
_DEFINES, _DEFINES_LAST = 1000.0, 50.0  # above what words alone can reach; the last part of a dotted name
_MEANT: Final = 0.9  # the name and the query say the same
_EXAMPLES: Final = re.compile(
    r"(?:^|/)(?:examples?|samples?|demos?|docs?|tutorials?|benchmarks?|fixtures?)/", re.I
)
_GENERATED: Final = re.compile(
    r"(?:^|/)(?:vendor(?:ed)?|third_party|node_modules|dist|build|generated|_vendor)/|"
    r"(?:_pb2(?:_grpc)?\.pyi?|\.pb\.go|\.min\.\w+|[._]generated\.\w+|\.lock|-lock\.\w+)$",
    re.I,
)
_MODULE, _SECTION, _WINDOW, _DECLARATION, _CONSTANT = (
    KIND_CODES[kind] for kind in ("module", "section", "window", "declaration", "constant")
)
_TYPES: Final = frozenset(
    KIND_CODES[kind] for kind in ("class", "interface", "struct", "enum", "type", "trait")
)


@dataclass(frozen=True, slots=True)
class Rules:
    """How strongly each rule counts: factors on a score, or additions to such a factor."""

    share: float = 1.0  # of the query's words that the chunk has
    name_share: float = 0.6  # of the name's words that the query has
    path_share: float = 0.3
    whole_name: float = 1.0  # the query is the name, in other words
    exact_name: float = 0.3
    qualified_name: float = 1.0
    test: float = 0.6
    example: float = 0.75
    generated: float = 0.4
    module: float = 0.6
    prose: float = 0.8
    type: float = 0.6
    declaration: float = 0.7  # of a function that is defined elsewhere
    constant: float = 0.7
    same_file: float = 0.85  # for each better hit in the file


RULES: Final = Rules()


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk of the corpus, its score, and why it is there."""

    chunk: int
    score: float
    why: str


def search(
    corpus: Corpus,
    query: Query,
    limit: int,
    weights: Weights = DEFAULT,
    rules: Rules = RULES,
    mask: NDArray[np.bool_] | None = None,
) -> list[Found]:
    """Return the best chunks for ``query``, the best first; only those of ``mask`` (chunks,)."""
    if not query.terms or not corpus.count:
        return []
    scores = score(corpus, query.terms, weights)
    exact = _exact(corpus, query)
    if mask is not None:
        scores.score[~mask] = 0.0
        exact = {chunk: name for chunk, name in exact.items() if mask[chunk]}
    candidates = _best(scores, max(CANDIDATES, 4 * limit))
    candidates = np.union1d(candidates, np.array(list(exact), np.intp))
    found = []
    for chunk in candidates.tolist():
        value, why = _judge(corpus, chunk, query, scores, exact.get(chunk), rules)
        if value > 0:
            found.append(Found(chunk, value, why))
    found.sort(key=_order(corpus))
    return _spread(corpus, found, limit, rules)


def _order(corpus: Corpus) -> Callable[[Found], tuple[float, str, int]]:
    """Return what sorts hits: the best first, equal ones by their place, however the index came to be."""

    def key(hit: Found) -> tuple[float, str, int]:
        segment, number = corpus.locate(hit.chunk)
        return -round(hit.score, 9), segment.path(number), int(segment.arrays["line"][number])

    return key


def _best(scores: Scores, count: int) -> NDArray[np.intp]:
    """Return the chunks with the ``count`` highest scores above 0."""
    total = scores.score
    found = np.flatnonzero(total)
    if len(found) > count:
        found = found[np.argpartition(-total[found], count)[:count]]
    return found


def _exact(corpus: Corpus, query: Query) -> dict[int, str]:
    """Return the chunks that define a name of the query: chunk → the name as the query has it."""
    found: dict[int, str] = {}
    for name in query.names:
        wanted = np.uint64(term_hash(name.rpartition(".")[2]))
        for start, segment in zip(corpus.starts, corpus.segments, strict=False):
            for number in np.flatnonzero(segment.arrays["names"] == wanted).tolist():
                if segment.alive[number]:
                    found.setdefault(int(start) + number, name)
    return found


def _judge(
    corpus: Corpus, chunk: int, query: Query, scores: Scores, exact: str | None, rules: Rules
) -> tuple[float, str]:
    segment, number = corpus.locate(chunk)
    symbol, path = segment.text("symbols", number), segment.path(number)
    kind = int(segment.arrays["kind"][number])
    share = float(scores.share[chunk])
    name_words = _terms(symbol.rpartition(".")[2])
    named = _explained(name_words, query)
    pathed = _explained(_terms(path.rpartition("/")[2].partition(".")[0]), query)
    covered = _covered(name_words, query)
    factor = 1.0 + rules.share * share**2 + rules.name_share * named + rules.path_share * pathed
    meant = named * covered
    factor += rules.whole_name * meant**2
    why = []
    whole = exact is not None and f".{path_module(path)}.{symbol}".endswith(f".{exact}")
    if exact is not None and whole:
        factor += rules.qualified_name if "." in exact else rules.exact_name
        why.append(f"defines {exact}")
    elif exact is not None:
        why.append(f"defines {exact.rpartition('.')[2]}")
    elif named >= 0.99 and name_words:
        why.append("its name")
    factor *= _path_prior(path, rules) * (1.0 if meant > _MEANT else _kind_prior(kind, rules))
    base = float(scores.score[chunk])
    if query.symbol and exact is not None:
        base = max(base, 1.0) + (_DEFINES if whole else _DEFINES_LAST)
    return base * factor, "; ".join(part for part in why if part)


def path_module(path: str) -> str:
    """Return a path as the start of a dotted name: ``src/a/b.py`` → ``src.a.b``."""
    return (path.rpartition(".")[0] or path).replace("/", ".")


@lru_cache(1 << 16)
def _terms(text: str) -> tuple[int, ...]:
    """Return the hashes of the terms of a name, without those of joined parts."""
    found: dict[str, None] = {}
    for word in words_of(text):
        terms = terms_of(word)
        found.update(dict.fromkeys(terms[:-1] if len(terms) > 1 else terms))
    return tuple(map(term_hash, found))


def _explained(words: tuple[int, ...], query: Query) -> float:
    """Return the share (0..1) of ``words`` that the query has."""
    if not words:
        return 0.0
    return sum(query.terms.get(word, 0.0) for word in words) / len(words)


def _covered(words: tuple[int, ...], query: Query) -> float:
    """Return the share (0..1) of the query's weight that is in ``words``."""
    return min(1.0, sum(query.terms.get(word, 0.0) for word in words) / query.weight) if query.weight else 0.0


def _kind_prior(kind: int, rules: Rules) -> float:
    if kind == _MODULE:
        return rules.module
    if kind in (_SECTION, _WINDOW):
        return rules.prose
    if kind == _DECLARATION:
        return rules.declaration
    if kind == _CONSTANT:
        return rules.constant
    return rules.type if kind in _TYPES else 1.0


@lru_cache(1 << 16)
def _path_prior(path: str, rules: Rules) -> float:
    factor = 1.0
    if is_test(path):
        factor *= rules.test
    if _EXAMPLES.search(path):
        factor *= rules.example
    if _GENERATED.search(path):
        factor *= rules.generated
    return factor


def _spread(corpus: Corpus, found: list[Found], limit: int, rules: Rules) -> list[Found]:
    """Lower the score of a hit for each better one in its file, and return the best."""
    seen: Counter[str] = Counter()
    lowered = []
    for hit in found[: 4 * limit + 50]:
        segment, number = corpus.locate(hit.chunk)
        path = segment.path(number)
        lowered.append(Found(hit.chunk, hit.score * rules.same_file ** min(seen[path], 6), hit.why))
        seen[path] += 1
    lowered.sort(key=_order(corpus))
    return lowered[:limit]


def matched_fields(corpus: Corpus, chunk: int, query: Query) -> dict[str, list[str]]:
    """Return which of the query's terms each field of a chunk has, the weightiest first."""
    segment, number = corpus.locate(chunk)
    found: dict[str, list[str]] = {}
    for term in sorted(query.terms, key=lambda key: -query.terms[key]):
        postings = segment.postings(term)
        if postings is None or query.terms[term] < 0.2:
            continue
        chunks, fields, _ = postings
        low, high = np.searchsorted(chunks, [number, number + 1])
        for field in fields[low:high].tolist():
            words = found.setdefault(FIELDS[field], [])
            if query.words[term] not in words:
                words.append(query.words[term])
    return found
