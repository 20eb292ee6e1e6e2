"""``emb-index``: makes the vectors of the index's chunks."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from dspy_agent.index.semantic import Semantic
from dspy_agent.index.shared import current_index, index_of
from dspy_agent.tools.arguments import EmbIndexArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.terminal_line import counting
from dspy_agent.vectors.store import STORE_VARIABLE


@dataclass(frozen=True, slots=True)
class VectorReport:
    """The vectors of an index: ``vectors`` of ``chunks`` have one by ``model``, of ``dimension`` numbers.

    ``made``, ``seconds``: in this run; ``dropped``: of chunks that are gone; ``others``: models that have
    vectors here too, never mixed; ``busy``: another process makes them. False if there is none.
    """

    model: str
    dimension: int
    store: str
    vectors: int
    chunks: int
    made: int = 0
    dropped: int = 0
    seconds: float | None = None
    others: list[str] | None = None
    busy: bool | None = None
    notes: list[str] | None = None

    def __bool__(self) -> bool:
        return self.vectors > 0


def run(arguments: EmbIndexArguments, context: ToolContext) -> VectorReport:
    """Make the vectors that are missing, or only tell of them.

    Raises:
        MissingRequirement, ModelError, UsageError, VectorStoreError: no model, or no store, to do it with.
    """
    index = index_of(context.workspace)
    if arguments.status:
        index.open()
    else:
        current_index(context.workspace)
    semantic = Semantic(index)
    began = time.monotonic()
    filled = None if arguments.status else semantic.fill(counting("{:,} of {:,} vectors"))
    dropped = 0 if arguments.status else semantic.prune()
    have, total = semantic.covered()
    return VectorReport(
        model=semantic.embedder.model,
        dimension=semantic.embedder.dimension,
        store=os.environ.get(STORE_VARIABLE) or "files",
        vectors=have,
        chunks=total,
        made=filled.made if filled else 0,
        dropped=dropped,
        seconds=round(time.monotonic() - began, 3) if filled else None,
        others=semantic.others() or None,
        busy=True if filled and filled.busy else None,
        notes=[*index.notes, *semantic.store.notes] or None,
    )


def render(result: VectorReport, arguments: EmbIndexArguments, console: Any) -> None:
    """Print how many chunks have a vector, by which model."""
    if result.seconds is not None:
        console.out(f"{result.made:,} vectors made in {result.seconds:.1f} s")
    console.out(
        f"{result.vectors:,} of {result.chunks:,} chunks have a vector by {result.model} "
        f"({result.dimension} numbers), in {result.store}"
    )


def notes(result: VectorReport, arguments: EmbIndexArguments) -> list[str]:
    """Say what is to be known."""
    said = list(result.notes or ())
    if result.busy:
        said.append("Another process is making them.")
    if result.others:
        said.append(f"Vectors by {', '.join(result.others)} are here too; they are not mixed with these.")
    if not result.chunks:
        said.append("There is no text to make vectors of in this workspace.")
    return said
