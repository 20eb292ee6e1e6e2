"""Examples come from real repositories: commits that say something, functions, requests; nothing is run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.gepa.data import code, plan, router
from dspy_agent.gepa.data.commits import commits
from dspy_agent.gepa.data.functions import functions
from dspy_agent.gepa.data.mutate import with_bug
from dspy_agent.gepa.data.sessions import taken
from dspy_agent.loop.trajectory import Trajectory
from tests.gepa.kit import git, shop


@pytest.fixture
def repository(home: Path, tmp_path: Path) -> Path:
    return shop(tmp_path / "shop", ("invoice", "parcel", "refund"))


def commit(repository: Path, subject: str, **files: str) -> None:
    for name, text in files.items():
        path = repository / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    git("add", "-A", cwd=repository)
    git("commit", "--quiet", "--allow-empty", "-m", subject, cwd=repository)


def test_commits_tell_the_files_that_they_changed(repository: Path) -> None:
    commit(repository, "Odd \x01 names", **{"a b_py": "x = 1\n", "ü\n_py": "y = 1\n"})
    found = commits(repository)
    assert dict(found[0].files) == {"a b.py": 1, "ü\n.py": 1}
    assert found[1].subject == "Count the total of every refund once only"
    assert dict(found[1].files) == {"refund.py": 6, "tests/test_refund.py": 5}
    assert len(found) == 4
    assert [one.files for one in commits(repository / "tests")] == [
        {f"test_{topic}.py": 5} for topic in ("refund", "parcel", "invoice")
    ]


def test_no_repository_has_no_commits(tmp_path: Path) -> None:
    assert commits(tmp_path) == []
    git("init", "--quiet", cwd=tmp_path)
    assert commits(tmp_path) == []
    (tmp_path / ".git" / "HEAD").write_bytes(b"\0rubbish")
    assert commits(tmp_path) == []


def test_nothing_that_a_repository_configures_is_run(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    (repository / ".gitattributes").write_text("*.py diff=trap filter=trap\n")
    for name in ("diff.external", "diff.trap.command", "diff.trap.textconv", "core.fsmonitor", "core.pager"):
        git("config", name, str(trap), cwd=repository)
    git("config", "log.showSignature", "true", cwd=repository)
    git("config", "gpg.program", str(trap), cwd=repository)
    assert len(commits(repository)) == 3
    assert not (tmp_path / "sprung").exists()


def test_tasks_are_commits_that_say_what_they_do(repository: Path) -> None:
    commit(repository, "Bump version to 2", invoice_py="x = 2\n")
    commit(repository, "wip", invoice_py="x = 3\n")
    commit(repository, "Say in the changelog what is new", CHANGELOG="new\n")
    commit(repository, "Move everything to another place", **{f"many{n}_py": "x\n" for n in range(9)})
    commit(repository, "Remove what was added once", gone_py="x = 1\n")
    (repository / "gone.py").unlink()
    found = plan.examples(repository, (), 50)
    tasks = [one.facts["task"] for one in found if one.facts["task"].startswith("Count")]
    assert [one.facts["task"] for one in found[:3]] == tasks
    assert found[0].facts["files"] == ["refund.py", "tests/test_refund.py"]
    assert found[0].group == "refund.py"
    assert "refund.py" in found[0].inputs["files"]
    assert {one.facts["task"] for one in found[3:]} == {
        f"Fix this, it does not work: Return the total of each {topic} in items."
        for topic in ("parcel", "refund")
    }
    again = plan.examples(repository, (), 50)
    assert [one.id for one in again] == [one.id for one in found]


def test_functions_say_what_they_do(repository: Path) -> None:
    (repository / "broken.py").write_text("def (\n")
    (repository / "deep.py").write_text("x = " + "(" * 400 + ")" * 400 + "\n")
    found = list(functions(repository))
    assert [(one.path, one.symbol) for one in found] == [
        (f"{topic}.py", f"total_{topic}") for topic in ("invoice", "parcel", "refund")
    ]
    assert found[0].says == "Return the total of each invoice in items."


def test_requests_have_the_tool_that_fits(repository: Path) -> None:
    found = router.examples(repository, (), 60)
    best = {one.facts["task"]: one.facts["best"] for one in found}
    assert best["which errors are in the logs?"] == ["ctx"]
    assert any(one.facts["needed"] == ["total_refund"] and one.facts["best"] == ["extract"] for one in found)
    assert any(one.facts["needed"] == ["parcel.py"] and one.facts["best"] == ["codectx"] for one in found)
    assert len({one.id for one in found}) == len(found)
    inputs = found[0].inputs
    assert "extract: " in inputs["tools"]
    assert inputs["kind"] is not None


def test_past_sessions_are_requests(repository: Path) -> None:
    told = Trajectory(repository, "one")
    steps = [("ls", False), ("esearch", True), ("extract", True)]
    told.write("task", {"task": "where are refunds counted"})
    for tool, is_found in steps:
        told.write(
            "step", {"chosen": tool, "arguments": {"query": "refund total"}, "ran": True, "found": is_found}
        )
    told.write("end", {"summary": "in refund.py"})
    told.write("task", {"task": "never answered"})
    told.write("step", {"chosen": "ctx", "arguments": {}, "ran": True, "found": True})
    told.write("end", {"summary": ""})
    assert list(taken(repository)) == [("where are refunds counted", "esearch", {"query": "refund total"})]
    assert any(
        one.facts["task"] == "where are refunds counted" for one in router.examples(repository, (), 60)
    )


def test_a_bug_is_one_changed_line_of_a_function(repository: Path) -> None:
    found = code.examples(repository, (), 10)
    assert {one.group for one in found} == {"invoice.py", "parcel.py", "refund.py"}
    for one in found:
        right, broken = one.facts["right"].split("\n"), one.facts["broken"].split("\n")
        changed = [
            number for number, pair in enumerate(zip(right, broken, strict=True), 1) if len(set(pair)) > 1
        ]
        assert changed == [one.facts["at"]]
        assert one.inputs["source"] == one.facts["broken"]


LINES = st.sampled_from(
    [
        "x = a == b",
        "if not a and b:\n        return 1",
        "return a - b + 2",
        "y = f(a)(b) < 3",
        "s = '''\n ü ==\n'''",
    ]
)


@given(st.lists(LINES, min_size=1, max_size=5), st.text(max_size=5))
def test_any_function_is_broken_soundly_or_not_at_all(lines: list[str], seed: str) -> None:
    source = "def f(a, b):\n" + "\n".join(f"    {line}" for line in lines)
    made = with_bug(source, seed)
    if made is not None:
        text, line = made
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(source))
        before, after = source.split("\n"), text.split("\n")
        assert [
            number for number, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]
        ] == [line]
