"""A task's symbols are found without a model: by what it names, by what failing tests run, by the words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.edits import EditOptions, locate
from dspy_agent.edits.clues import Place, clues_in
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.errors import UsageError, WorkspaceError
from tests.edits.kit import PYTEST, make_shop

TEXTS = '''\
def squeeze(text):
    """Leave out what is blank."""
    return "".join(part for part in _parts(text) if part)


def _parts(text):
    return [_clean(part) for part in text.split(" ")]


def _clean(part):
    if part.startswith("#"):
        return part[2:]
    return part


def count(text):
    """How many words there are."""
    return len(_parts(text))
'''
TESTS = """\
from texts import count, squeeze


def test_plain():
    assert squeeze("a  b") == "ab"


def test_marked():
    assert squeeze("#a b") == "ab"


def test_number():
    assert count("a b") == 2
"""


def names(task: str, workspace: Path, **options: object) -> list[str]:
    found = locate(task, ToolContext(workspace), EditOptions(**options))  # type: ignore[arg-type]
    return [place.symbol for place in found]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "texts.py").write_text(TEXTS)
    return open_workspace(tmp_path)


def test_a_test_may_be_named_without_its_file_and_must_be_there(texts: Path) -> None:
    (texts / "test_texts.py").write_text(TESTS)
    (texts / "pytest.ini").write_text(PYTEST)
    assert names("mend it", texts, tests=("test_marked",))[0] == "_clean"
    for test in ("test_missing", "test_gone.py::test_marked"):
        with pytest.raises(UsageError) as caught:
            names("mend it", texts, tests=(test,))
        assert caught.value.code == "TestNotFound"


def test_what_only_the_failing_test_runs_comes_first(texts: Path) -> None:
    (texts / "test_texts.py").write_text(TESTS)
    (texts / "pytest.ini").write_text(PYTEST)
    found = locate("test_marked fails", ToolContext(texts))
    assert [place.symbol for place in found][:3] == ["_clean", "squeeze", "_parts"]
    assert (found[0].line, found[0].end_line, found[0].score) == (10, 13, 1.0)
    assert "run by 1 of 1 failing tests and 0 passing" in found[0].why
    assert not [place for place in found if place.path == "test_texts.py"]


def test_the_innermost_frame_of_a_pasted_traceback_comes_first(texts: Path) -> None:
    task = f"""It crashed:
Traceback (most recent call last):
  File "{texts}/texts.py", line 3, in squeeze
  File "/app/texts.py", line 7, in <listcomp>
  File "/app/texts.py", line 11, in _clean
AttributeError: 'NoneType' object has no attribute 'startswith'"""
    assert names(task, texts)[:3] == ["_clean", "_parts", "squeeze"]


def test_names_and_words_of_the_task(texts: Path) -> None:
    assert names("`count` is one too low", texts)[0] == "count"
    assert names("how many words there are is wrong", texts)[0] == "count"
    assert names("texts._parts should split at tabs too", texts)[0] == "_parts"


def test_files_and_symbols_narrow_it(tmp_path: Path) -> None:
    workspace = make_shop(tmp_path, tests=False)
    assert names("fix it", workspace, symbols=("total",)) == ["total"]
    assert names("fix it", workspace, symbols=("shop.py:Cart.total",)) == ["Cart.total"]
    (workspace / "other.py").write_text("def items():\n    pass\n")
    found = locate("the items", ToolContext(workspace), EditOptions(files=("shop.py",)))
    assert {place.path for place in found} == {"shop.py"}
    with pytest.raises(UsageError) as caught:
        names("fix it", workspace, symbols=("nothing",))
    assert caught.value.code == "SymbolNotFound"
    with pytest.raises(WorkspaceError):
        names("fix it", workspace, files=("../else.py",))


def test_clues() -> None:
    clues = clues_in(
        "FAILED tests/test_a.py::TestA::test_b[x-1] - assert\n"
        'src/pkg/a.py:12: in run\n  File "/x/b.py", line 3, in g\n'
        "TypeError in `Box.get`, see parse_date and HttpClient"
    )
    assert clues.test_ids == ("tests/test_a.py::TestA::test_b[x-1]",)
    assert Place("src/pkg/a.py", 12) in clues.places
    assert Place("/x/b.py", 3) in clues.places
    assert {"Box.get", "parse_date", "HttpClient", "TypeError"} <= set(clues.names)
    assert "see" in clues.words


@given(st.text(max_size=300))
def test_any_text_is_a_task(text: str) -> None:
    clues = clues_in(text)
    assert len(clues.names) + len(clues.words) <= len(text) + 1


def test_a_test_that_does_not_end_shows_where_it_hangs(texts: Path) -> None:
    (texts / "texts.py").write_text(
        TEXTS.replace("    if part", "    while part:\n        pass\n    if part")
    )
    (texts / "test_texts.py").write_text(TESTS)
    (texts / "pytest.ini").write_text(PYTEST)
    found = locate("test_marked fails", ToolContext(texts), EditOptions(seconds=15.0))
    assert found[0].symbol == "_clean"
    assert any("came through" in reason for reason in found[0].why)
