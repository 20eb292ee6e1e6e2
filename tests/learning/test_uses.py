"""What counts as a use: within the hour, by rank, once; and what a damaged memory means."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.learning.event import Event, encode
from dspy_agent.learning.memory import MOST_PATHS, MOST_SEARCHES, NAME, Memory, held
from dspy_agent.learning.uses import MOST_EDITED, WITHIN_SECONDS, Run, edited, opened, shown
from dspy_agent.tools.arguments import EsearchArguments, ExtractArguments, GrepArguments
from dspy_agent_core.contracts.messages import LearningEvent, decode
from dspy_agent_core.contracts.results import Hit, Hits

NOW = 1_772_359_200.0
WORKSPACE = Path("/work/shop")


def search(*paths: str, words: str = "q") -> Run:
    hits = [Hit(path, line=10 * rank, end_line=10 * rank + 5) for rank, path in enumerate(paths, 1)]
    return Run("esearch", EsearchArguments(query=words), Hits(hits), 12.5, "cli")


def extraction(path: str, line: int = 1) -> Run:
    found = Hits([Hit(path, line=line, end_line=line + 2, symbol="f")])
    return Run("extract", ExtractArguments("f"), found, 3.0, "session")


def uses(found: list[Event]) -> list[tuple[str, object, object]]:
    return [(event["decision_id"], event["outcome"]["use"], event["outcome"]["path_rank"]) for event in found]


def again(memory: Memory, folder: Path) -> Memory:
    """Return what another process has of ``memory``."""
    (folder / NAME).write_bytes(memory.encode())
    with held(folder) as found:
        return found.memory


def test_a_use_has_the_decision_and_the_rank_of_its_path(tmp_path: Path) -> None:
    memory = Memory()
    first = shown(memory, search("a.py", "b.py", "a.py", "c.py"), WORKSPACE, NOW)
    memory = again(memory, tmp_path)
    (use,) = opened(memory, extraction("c.py"), WORKSPACE, NOW + 41.5)
    assert uses([use]) == [(first["decision_id"], "opened", 3)]
    assert use["outcome"] == {
        "use": "opened", "path_rank": 3, "seconds": 41.5, "tool": "extract", "same_lines": False
    }  # fmt: skip
    assert opened(again(memory, tmp_path), extraction("c.py"), WORKSPACE, NOW + 50) == []
    (near,) = opened(memory, extraction("a.py", line=34), WORKSPACE, NOW + 60)
    assert near["outcome"]["same_lines"]


def test_each_search_that_showed_it_is_told(tmp_path: Path) -> None:
    memory = Memory()
    first = shown(memory, search("a.py", "b.py", words="one"), WORKSPACE, NOW)
    second = shown(memory, search("b.py", words="two"), WORKSPACE, NOW + 1)
    found = opened(again(memory, tmp_path), extraction("b.py"), WORKSPACE, NOW + 2)
    assert uses(found) == [(first["decision_id"], "opened", 2), (second["decision_id"], "opened", 1)]


@pytest.mark.parametrize("seconds", [WITHIN_SECONDS + 1, -1.0])
def test_not_after_an_hour_and_not_before_it_was_shown(seconds: float) -> None:
    memory = Memory()
    shown(memory, search("a.py"), WORKSPACE, NOW)
    assert opened(memory, extraction("a.py"), WORKSPACE, NOW + seconds) == []
    assert len(opened(memory, extraction("a.py"), WORKSPACE, NOW + WITHIN_SECONDS)) == 1


def test_a_search_that_is_run_again_is_no_use_of_itself() -> None:
    memory = Memory()
    shown(memory, extraction("a.py"), WORKSPACE, NOW)
    assert opened(memory, extraction("a.py"), WORKSPACE, NOW + 1) == []
    assert len(opened(memory, replace(extraction("a.py"), arguments="other"), WORKSPACE, NOW + 1)) == 1


def test_a_file_that_grep_is_sent_to_is_opened_however_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").touch()
    (tmp_path / "link.py").symlink_to("src/a.py")
    for name in ("src/a.py", "./src//a.py", "src/../src/a.py", str(tmp_path / "src" / "a.py"), "link.py"):
        memory = Memory()
        shown(memory, search("src/a.py"), tmp_path, NOW)
        grep = Run("grep", GrepArguments("x", [name]), Hits(), 1.0, "cli")
        assert len(opened(memory, grep, tmp_path, NOW + 1)) == 1, name
    folder = Run("grep", GrepArguments("x", ["src"]), Hits(), 1.0, "cli")
    assert opened(memory, folder, tmp_path, NOW + 1) == []


@pytest.fixture
def edited_file(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.touch()
    os.utime(path, (NOW + 30, NOW + 30))
    return path


def test_an_edit_is_dated_by_the_file(edited_file: Path) -> None:
    folder = edited_file.parent
    memory = Memory()
    before = shown(memory, search("a.py", words="before"), folder, NOW)
    shown(memory, search("a.py", words="after"), folder, NOW + 60)
    found = edited(memory, ["other.py", "a.py", "gone.py"], folder, NOW + 90)
    assert uses(found) == [(before["decision_id"], "edited", 1)]
    assert found[0]["outcome"]["seconds"] == 30
    assert edited(memory, ["a.py"], folder, NOW + 95) == []


def test_another_branch_is_no_edit(edited_file: Path) -> None:
    memory = Memory()
    shown(memory, search("a.py"), edited_file.parent, NOW)
    many = ["a.py", *(f"{number}.py" for number in range(MOST_EDITED))]
    assert edited(memory, many, edited_file.parent, NOW + 90) == []


def test_only_the_last_searches_and_the_first_paths_are_remembered(tmp_path: Path) -> None:
    memory = Memory()
    for number in range(3 * MOST_SEARCHES):
        shown(memory, search("same.py", *(f"{number}-{rank}.py" for rank in range(100))), WORKSPACE, NOW)
        memory = again(memory, tmp_path)
    assert len(list(memory.that_showed("same.py"))) == MOST_SEARCHES
    assert {len(found.hits) for found in memory.that_showed("same.py")} == {MOST_PATHS}
    assert (tmp_path / NAME).stat().st_size < 64 << 10


_PATH = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@given(st.lists(st.lists(_PATH, min_size=1, max_size=4), min_size=1, max_size=4), _PATH)
def test_what_is_remembered_is_found_again_by_any_path(searches: list[list[str]], other: str) -> None:
    memory = Memory()
    for paths in searches:
        shown(memory, search(*paths), WORKSPACE, NOW)
    copy = Memory(memory.key, memory.encode().split(b"\n")[1:-1])
    for path in {other, *(path for paths in searches for path in paths)}:
        ranks = [list(dict.fromkeys(paths)).index(path) + 1 for paths in searches if path in paths]
        assert [rank for _, _, rank in uses(opened(copy, extraction(path), WORKSPACE, NOW))] == ranks


@given(st.binary(max_size=40), st.integers(0, 600), st.booleans())
def test_a_damaged_memory_is_forgotten_or_lacks_a_search(
    tmp_path_factory: pytest.TempPathFactory, bytes_there: bytes, at: int, replaced: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    memory = Memory()
    for number in range(3):
        shown(memory, search("a.py", f"{number}.py"), WORKSPACE, NOW)
    whole = memory.encode()
    damaged = whole[:at] + bytes_there + whole[at + len(bytes_there) :] if replaced else bytes_there
    (folder / NAME).write_bytes(damaged)
    with held(folder) as found:
        assert len(opened(found.memory, extraction("a.py"), WORKSPACE, NOW + 1)) <= 3
        shown(found.memory, search("new.py"), WORKSPACE, NOW)
        found.save()
    with held(folder) as found:
        assert len(opened(found.memory, extraction("new.py"), WORKSPACE, NOW + 1)) == 1


def test_arguments_are_hashed_with_a_key_of_the_workspace(tmp_path: Path) -> None:
    one, other = Memory(), Memory()
    assert one.hash_of(search(words="x").arguments) == again(one, tmp_path).hash_of(
        search(words="x").arguments
    )
    assert one.hash_of(search(words="x").arguments) != other.hash_of(search(words="x").arguments)
    assert one.hash_of(search(words="x").arguments) != one.hash_of(search(words="y").arguments)
    assert one.hash_of(search(words="\udcff").arguments)


@given(st.lists(_PATH, max_size=3), st.floats(0, 1e9), st.sampled_from(["cli", "session"]))
def test_each_event_is_a_message_of_the_schema(paths: list[str], cost_ms: float, source: str) -> None:
    memory = Memory()
    run = replace(search(*paths), cost_ms=cost_ms, source=source)
    found = [shown(memory, run, WORKSPACE, time.time())]
    found += opened(memory, extraction(paths[0]), WORKSPACE, time.time() + 1) if paths else []
    for event in found:
        message = decode(LearningEvent, encode(event))
        assert not message.model_extra
        assert decode(LearningEvent, message.encode()) == message
        assert message.model_dump(exclude_none=True) == event
