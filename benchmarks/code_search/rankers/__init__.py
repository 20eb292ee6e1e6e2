"""The programs that are compared, each behind ``score.Ranker``."""

from __future__ import annotations

import importlib

from benchmarks.code_search.score import Ranker

RANKERS = {
    "bm25s": "plain:PlainBm25s",
    "minilm": "vectors:MiniLm",
    "wordllama": "vectors:WordLlamaStatic",
    "ripgrep": "grepped:Ripgrep",
    "project": "project:Project",
    "project+vectors": "project:WithVectors",
    "vectors-alone": "project:VectorsAlone",
    "without-fields": "project:WithoutFields",
    "without-rules": "project:WithoutRules",
    "without-related": "project:WithoutRelated",
}


def make(name: str) -> Ranker:
    """Return the ranker called ``name``, or the callable ``package.module:name``."""
    module, _, attribute = RANKERS.get(name, name).partition(":")
    if name in RANKERS:
        module = f"{__name__}.{module}"
    ranker: Ranker = getattr(importlib.import_module(module), attribute)()
    return ranker
