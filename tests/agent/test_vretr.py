"""``emb-index`` and ``vretr``: vectors of the index's chunks, and searching by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.index.semantic import Semantic
from dspy_agent.index.shared import index_of
from dspy_agent.tools import emb_index, vretr
from dspy_agent.tools.arguments import EmbIndexArguments, VretrArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent_core.contracts.results import Hits
from dspy_agent_core.errors import MissingRequirement, UsageError

CODE = '''
def remove_user(name):
    """Delete an account."""
    return name

def parse_date(text):
    return text

def retry(request):
    return request
'''


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text(CODE)
    return tmp_path


def retrieve(workspace: Path, query: str, **arguments: object) -> Hits:
    return vretr.run(VretrArguments(query=query, **arguments), ToolContext(workspace))  # type: ignore[arg-type]


def embed(workspace: Path, *, status: bool = False) -> emb_index.VectorReport:
    return emb_index.run(EmbIndexArguments(status), ToolContext(workspace))


def test_each_chunk_gets_one_vector_and_an_edit_costs_one(workspace: Path) -> None:
    first = embed(workspace)
    assert (first.made, first.vectors) == (first.chunks, first.chunks)
    assert embed(workspace).made == 0
    (workspace / "code.py").write_text(CODE.replace("return request", "return request.send()"))
    again = embed(workspace)
    assert (again.made, again.vectors) == (1, again.chunks)


def test_status_makes_none(workspace: Path) -> None:
    report = embed(workspace, status=True)
    assert (report.vectors, report.made, report.seconds) == (0, 0, None)
    assert not report


def test_vectors_find_what_words_do_not(workspace: Path) -> None:
    result = retrieve(workspace, "calendar day", text=False)
    assert result.hits[0].symbol == "parse_date"
    assert (result.hits[0].why or "").startswith("vectors: #1")


def test_words_and_vectors_are_put_together_and_each_is_told(workspace: Path) -> None:
    hit = retrieve(workspace, "parse a date").hits[0]
    assert hit.symbol == "parse_date"
    assert "vectors: #1" in (hit.why or "")
    assert "words: #1" in (hit.why or "")


def test_each_part_can_be_switched_off(workspace: Path) -> None:
    assert "vectors" not in (retrieve(workspace, "parse a date", vectors=False).hits[0].why or "")
    assert "words" not in (retrieve(workspace, "parse a date", text=False).hits[0].why or "")
    with pytest.raises(UsageError) as caught:
        retrieve(workspace, "parse a date", text=False, vectors=False)
    assert caught.value.code == "NoParts"


def test_without_a_model_it_goes_by_words_and_says_so(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSPY_AGENT_EMBEDDING_MODEL", "none")
    result = retrieve(workspace, "parse a date")
    assert result.hits[0].symbol == "parse_date"
    assert "Searched by words alone" in " ".join(result.notes or ())
    with pytest.raises(MissingRequirement):
        retrieve(workspace, "parse a date", text=False)


def test_a_store_that_is_away_costs_a_note(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSPY_AGENT_VECTOR_STORE", "milvus://127.0.0.1:1")
    result = retrieve(workspace, "parse a date")
    assert result.hits[0].symbol == "parse_date"
    assert "Searched by words alone" in " ".join(result.notes or ())


def test_files_and_languages_can_be_asked_for(workspace: Path) -> None:
    (workspace / "date.js").write_text("function parseDate(text) { return text; }\n")
    assert {hit.path for hit in retrieve(workspace, "parse a date", types=["js"]).hits} == {"date.js"}
    assert {hit.path for hit in retrieve(workspace, "parse a date", globs=["!*.js"]).hits} == {"code.py"}


def test_a_text_that_changed_since_it_was_indexed_is_not_embedded(workspace: Path) -> None:
    index = index_of(workspace)
    index.update()
    (workspace / "code.py").write_text("# all is new\n")
    filled = Semantic(index).fill()
    assert (filled.made, filled.gone) == (0, 3)


def test_vectors_of_what_is_gone_are_not_found(workspace: Path) -> None:
    embed(workspace)
    (workspace / "code.py").write_text("def other(x):\n    return x\n")
    assert {hit.symbol for hit in retrieve(workspace, "calendar day", text=False).hits} <= {"other", None}
