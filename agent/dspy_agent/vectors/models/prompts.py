"""What well-known models want to read before a query or a document; without it they find much less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Prompts:
    """Put before each text."""

    query: str = ""
    document: str = ""


_BY_NAME: Final = (
    ("nomic-embed", Prompts("search_query: ", "search_document: ")),
    ("mxbai-embed", Prompts("Represent this sentence for searching relevant passages: ")),
    ("snowflake-arctic-embed2", Prompts("query: ")),
    ("snowflake-arctic-embed", Prompts("Represent this sentence for searching relevant passages: ")),
    ("bge-m3", Prompts()),
    ("bge-", Prompts("Represent this sentence for searching relevant passages: ")),
    ("e5-", Prompts("query: ", "passage: ")),
    ("embeddinggemma", Prompts("task: search result | query: ", "title: none | text: ")),
    (
        "qwen3-embedding",
        Prompts("Instruct: Given a question, find the code that answers it\nQuery: "),
    ),
)


def prompts_of(model: str) -> Prompts:
    """Return the prompts of ``model``."""
    return next((prompts for name, prompts in _BY_NAME if name in model.lower()), Prompts())
