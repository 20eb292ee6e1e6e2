"""The only place that imports tree-sitter: source text in, structure out."""

from __future__ import annotations

import importlib
import time
from functools import lru_cache
from typing import Any

from dspy_agent.code.outline import Outline
from dspy_agent.code.queries import QUERIES
from dspy_agent_core.code.structure import FileStructure

PARSE_SECONDS = 3.0  # of processor time: a grammar can go astray on what is no source
_CHUNK = 1 << 16
# A query looks for the next named sibling of each token: quadratic in a row of nothing but tokens.
_MAX_TOKENS = 10_000
_SHAPE = bytes(
    ord("a") if chr(code).isalnum() or code > 127 or code < 33 or chr(code) in "_\"'`" else ord(".")
    for code in range(256)
)
_GRAMMARS = {
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "shell": ("tree_sitter_bash", "language"),
}


@lru_cache(None)
def _grammar(language: str) -> tuple[Any, Any]:
    import tree_sitter

    module, function = _GRAMMARS.get(language, (f"tree_sitter_{language}", "language"))
    grammar = tree_sitter.Language(getattr(importlib.import_module(module), function)())
    return grammar, tree_sitter.Query(grammar, QUERIES[language])


def parse_source(text: str, language: str, seconds: float = PARSE_SECONDS) -> FileStructure:
    """Return the structure of ``text``; ``language`` is a key of ``QUERIES``.

    What takes longer than ``seconds`` is given up: broken, and without symbols.
    """
    import tree_sitter

    source = text.encode("utf-8", "replace")
    if b"." * _MAX_TOKENS in source.translate(_SHAPE):
        return FileStructure(language, broken=True)
    grammar, query = _grammar(language)
    deadline = time.thread_time() + seconds

    # Mind that a node's own ``text`` comes from here too, byte by byte: slice the source instead.
    def read(offset: int, _point: Any) -> bytes:
        return source[offset : offset + _CHUNK]

    def is_late(*_: Any) -> bool:
        return time.thread_time() > deadline

    try:
        tree = tree_sitter.Parser(grammar).parse(read, progress_callback=is_late)
    except ValueError:  # given up
        return FileStructure(language, broken=True)
    if _is_shapeless(tree):
        return FileStructure(language, broken=True)
    outline = Outline(source, language)
    # No progress callback here: with one, py-tree-sitter 0.26 crashes.
    for _, captures in tree_sitter.QueryCursor(query).matches(tree.root_node):
        outline.add(captures)
    return outline.structure(broken=tree.root_node.has_error)


def _is_shapeless(tree: Any) -> bool:
    """Say whether a part that could not be parsed is a long row of tokens."""
    cursor = tree.walk()
    while True:
        node = cursor.node
        if node.has_error:
            if node.is_error and node.child_count - node.named_child_count > _MAX_TOKENS:
                return True
            if cursor.goto_first_child():
                continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False
