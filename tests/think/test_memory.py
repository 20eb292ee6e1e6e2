"""Lessons of a workspace: told again where they fit, bounded, without secrets, and safe on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent import memory
from dspy_agent.memory.lesson import KINDS, MOST_NAMES, MOST_TEXT, Lesson, decode, encode, lesson_id
from dspy_agent.memory.store import MOST_LESSONS, NAME, forget, lessons, remember
from dspy_agent_core.errors import WorkspaceError


def test_a_lesson_is_told_where_its_words_or_paths_fit_and_nowhere_else(tmp_path: Path) -> None:
    remember(
        tmp_path, "worked", "Tests of dates run with: pytest tests/test_dates.py", paths=["src/dates.py"]
    )
    remember(tmp_path, "failed", "Rounding in shape.area must not use Decimal", symbols=["shape.area"])

    def told(task: str, *paths: str) -> list[str]:
        return [lesson.text.split()[0] for lesson in memory.lessons_for(tmp_path, task, paths)]

    assert told("how do I run the tests of dates?") == ["Tests"]
    assert told("anything", "src/dates.py") == ["Tests"]
    assert told("what is wrong in shape.area") == ["Rounding"]
    assert told("deploy the chart", "helm/values.yaml") == []


def test_a_preference_without_a_place_fits_everywhere(tmp_path: Path) -> None:
    remember(tmp_path, "preference", "Answer in short sentences")
    assert [lesson.text for lesson in memory.lessons_for(tmp_path, "deploy the chart")] == [
        "Answer in short sentences"
    ]


def test_what_says_the_same_is_counted_not_repeated(tmp_path: Path) -> None:
    remember(tmp_path, "fact", "The API lies in src/api", source="chat", paths=["a"])
    remember(tmp_path, "fact", " the api  lies in src/api. ", paths=["b"])
    (only,) = lessons(tmp_path)
    assert (only.seen, only.source, only.paths) == (2, "user", ("b", "a"))


def test_secrets_are_not_kept(tmp_path: Path) -> None:
    remember(tmp_path, "fact", "log in with password=hunter2secret to the API")
    assert b"hunter2secret" not in (tmp_path / NAME).read_bytes()


def test_it_is_bounded_and_what_the_user_said_stays(tmp_path: Path) -> None:
    said = remember(tmp_path, "preference", "Never touch vendored code")
    lines = [
        encode(Lesson(lesson_id("fact", f"fact {n}"), "fact", f"fact {n}", source="chat", last=float(n)))
        for n in range(MOST_LESSONS + 20)
    ]
    with (tmp_path / NAME).open("ab") as file:
        file.writelines(line + b"\n" for line in lines)
    remember(tmp_path, "fact", "one more", source="chat")
    kept = lessons(tmp_path)
    assert len(kept) == MOST_LESSONS
    assert said.id in {lesson.id for lesson in kept}
    assert "fact 0" not in {lesson.text for lesson in kept}


def test_forgetting(tmp_path: Path) -> None:
    made = remember(tmp_path, "fact", "It rains")
    assert forget(tmp_path, "00000000") is None
    assert forget(tmp_path, made.id) == made
    assert lessons(tmp_path) == []
    assert not (tmp_path / f"{NAME}.new").exists()


def test_git_does_not_see_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    remember(tmp_path, "fact", "It rains")
    done = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b""


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b'{"schema_version":2}\n{"new":"kind"}\n')
    assert lessons(tmp_path) == []
    assert memory.learn(tmp_path, "fact", "It rains", source="chat") is None
    with pytest.raises(WorkspaceError, match="another version"):
        remember(tmp_path, "fact", "It rains")
    assert path.read_bytes() == b'{"schema_version":2}\n{"new":"kind"}\n'


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (workspace := tmp_path / "w").mkdir()
    secret = tmp_path / "elsewhere"
    secret.write_text('{"kind":"fact","text":"from elsewhere"}\n')
    (workspace / NAME).symlink_to(secret)
    assert lessons(workspace) == []
    memory.learn(workspace, "fact", "It rains", source="chat")
    assert secret.read_text() == '{"kind":"fact","text":"from elsewhere"}\n'


def test_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSPY_AGENT_LEARNING", "off")
    assert memory.learn(tmp_path, "fact", "It rains", source="chat") is None
    assert list(tmp_path.iterdir()) == []


def test_a_prompt_takes_whole_lessons_only() -> None:
    found = [Lesson(str(n), "fact", "x" * 90) for n in range(10)]
    assert memory.as_lines(found, 250).splitlines() == [f"- fact: {'x' * 90}"] * 2


names = st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=MOST_NAMES).map(tuple)


@given(
    st.sampled_from(KINDS),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=MOST_TEXT).filter(str.strip),
    names,
    names,
    st.integers(1, 1 << 20),
    st.floats(0, 1e10),
)
def test_a_lesson_survives_its_line(
    kind: str, text: str, paths: tuple[str, ...], symbols: tuple[str, ...], seen: int, at: float
) -> None:
    lesson = Lesson(lesson_id(kind, text), kind, text, paths, symbols, "chat", seen, at, at)
    line = encode(lesson)
    assert b"\n" not in line
    assert decode(line) == lesson


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.dictionaries(st.sampled_from(["kind", "text", "paths", "seen", "last", "x"]), inner)
            | st.lists(inner)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_rubbish_is_no_lesson_and_no_error(line: bytes) -> None:
    found = decode(line)
    assert found is None or found.text.strip()


def test_damage_costs_the_damaged_line_only(tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        remember(tmp_path, "fact", text)
    path = tmp_path / NAME
    whole = path.read_bytes()
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        assert len(lessons(tmp_path)) <= 3
    path.write_bytes(whole.replace(b'"two"', b'"tw\xff'))
    assert [lesson.text for lesson in lessons(tmp_path)] == ["one", "three"]
    remember(tmp_path, "fact", "four")
    assert [lesson.text for lesson in lessons(tmp_path)] == ["one", "three", "four"]


_WRITER = """
import sys; from pathlib import Path; from dspy_agent.memory.store import remember
for n in range(10_000):
    remember(Path(sys.argv[1]), "fact", f"{sys.argv[2]} {n}", source="chat"); print(n, flush=True)
"""


def test_killed_writers_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), name], stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    told: dict[str, int] = {}
    for name, writer in zip("ab", writers, strict=True):
        assert writer.stdout
        for _ in range(5):
            told[name] = int(writer.stdout.readline())
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    texts = {lesson.text for lesson in lessons(tmp_path)}
    assert {f"{name} {n}" for name, last in told.items() for n in range(last + 1)} <= texts
    remember(tmp_path, "fact", "after")
    assert lessons(tmp_path)[-1].text == "after"
