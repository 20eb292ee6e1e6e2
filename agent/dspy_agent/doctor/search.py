"""Checks of the code index and of its vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dspy_agent.doctor.model import OK, WARN, Check
from dspy_agent.index.semantic import Semantic
from dspy_agent.index.shared import index_of
from dspy_agent.tools.amounts import count
from dspy_agent_core.errors import AgentError

_FEW: Final = 0.98  # of the chunks with a vector: below it, making them is worth a word


def index(workspace: Path) -> list[Check]:
    """Check whether the workspace has an index; without one the first search builds it."""
    found = index_of(workspace)
    if not found.open():
        why = " ".join(found.notes) or "none yet: the first search builds it"
        return [Check("index", OK if not found.notes else WARN, why, "dspy-agent index")]
    files = sum(state.segment >= 0 for state in found.manifest.files.values())
    return [Check("index", OK, f"{count(files, 'file')}, {count(found.corpus.count, 'chunk')}")]


def vectors(workspace: Path) -> list[Check]:
    """Check the embedding model, the store and how many vectors there are; all searches work without."""
    found = index_of(workspace)
    found.open()
    try:
        semantic = Semantic(found)
        have, total = semantic.covered()
    except AgentError as error:
        status = OK if error.code == "VectorsOff" else WARN
        return [Check("vectors", status, f"{error.message} Searches go by words.", error.next)]
    model = f"{semantic.embedder.model}, {semantic.embedder.dimension} numbers"
    if have < _FEW * total:
        return [Check("vectors", WARN, f"{model}: {have:,} of {total:,} chunks", "dspy-agent emb-index")]
    return [Check("vectors", OK, f"{model}: {have:,} of {total:,} chunks")]
