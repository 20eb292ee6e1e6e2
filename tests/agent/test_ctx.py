"""``ctx`` as a program: which logs it reads, how much of them, and what it says of them."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.agent.session_kit import PROGRAM, environment

TRACE = """\
Traceback (most recent call last):
  File "{path}", line 3, in work
    boom()
ValueError: {message}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("src/shop/cart.py", "tools/cart.py", "src/shop/pay.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("pass\n")
    (tmp_path / "logs").mkdir()
    return tmp_path


def ctx(cwd: Path, *words: str, stdin: bytes = b"", **extra: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, "ctx", *words],
        cwd=cwd,
        env=environment(cwd / ".state", **extra),
        input=stdin,
        capture_output=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    )


def events(cwd: Path, *words: str, **extra) -> list[dict]:
    done = ctx(cwd, *words, "--json", **extra)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)["events"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("/app/src/shop/cart.py", "src/shop/cart.py"),
        ("/workspace/source/src/shop/cart.py", "src/shop/cart.py"),
        ("/code/shop/cart.py", "src/shop/cart.py"),
        ("/app/pay.py", "src/shop/pay.py"),
        ("/usr/lib/python3.11/site-packages/shop/cart.py", "/usr/lib/python3.11/site-packages/shop/cart.py"),
        ("/app/cart.py", "/app/cart.py"),  # two files have that name: no guess
    ],
)
def test_container_paths_become_paths_of_the_workspace(project: Path, written: str, shown: str) -> None:
    (project / "logs" / "app.log").write_text(TRACE.format(path=written, message="x"))
    (event,) = events(project)
    assert event["frame"] == {"path": shown, "line": 3, "function": "work"}
    assert (event["type"], event["message"]) == ("ValueError", "x")


def test_reads_rotated_packed_and_nested_files_and_passes_over_binary_ones(project: Path) -> None:
    logs = project / "logs"
    (logs / "app.log").write_text(TRACE.format(path="a.py", message="plain"))
    (logs / "app.log.1").write_text(TRACE.format(path="b.py", message="rotated"))
    (logs / "app.log.2.gz").write_bytes(gzip.compress(TRACE.format(path="c.py", message="packed").encode()))
    (logs / "deep" / "er").mkdir(parents=True)
    (logs / "deep" / "er" / "0.log").write_bytes(
        b"\xfa\xfb no text\n" + TRACE.format(path="d.py", message="b\u00e4d").encode("latin-1")
    )
    (logs / "core.log").write_bytes(bytes(range(256)) * 100)
    (logs / "cut.log.gz").write_bytes(
        gzip.compress(TRACE.format(path="e.py", message="cut").encode() * 2000)[:-20]
    )
    os.mkfifo(logs / "pipe.log")
    (logs / "loop").symlink_to(logs)
    done = ctx(project, "--json")
    answer = json.loads(done.stdout)
    assert {e["message"] for e in answer["events"] if e.get("type")} == {
        "plain",
        "rotated",
        "packed",
        "b\ufffdd",
        "cut",
    }
    assert {u["path"]: u["why"] for u in answer["unread"]}["logs/core.log"] == "binary"


def test_a_5_gb_log_is_read_from_its_end_in_little_memory(project: Path) -> None:
    with (project / "logs" / "huge.log").open("wb") as file:
        file.write(b"INFO the beginning\n")
        file.seek(5 << 30)
        file.write(b"\n" + TRACE.format(path="/app/src/shop/pay.py", message="at the end").encode())
    answer = json.loads(ctx(project, "--json").stdout)
    assert [event["message"] for event in answer["events"]] == ["at the end"]
    assert answer["unread"][0]["bytes"] > 4 << 30


def test_newest_first_across_files_and_since(project: Path) -> None:
    now = datetime.now(UTC)
    for name, age in (("old", 50), ("new", 1), ("middle", 20)):
        stamp = (now - timedelta(minutes=age)).isoformat()
        (project / "logs" / f"{name}.log").write_text(f"{stamp} ERROR {name} thing\n")
    assert [e["message"] for e in events(project)] == ["new thing", "middle thing", "old thing"]
    assert [e["message"] for e in events(project, "--since", "30m")] == ["new thing", "middle thing"]


def test_level_and_limit(project: Path) -> None:
    lines = ["INFO calm", "WARNING careful", "ERROR bad", "CRITICAL worse"]
    (project / "logs" / "a.log").write_text(TRACE.format(path="a.py", message="kept") + "\n".join(lines))
    assert [e["message"] for e in events(project, "--level", "info")] == [
        "worse",
        "bad",
        "careful",
        "calm",
        "kept",
    ]
    assert [e["message"] for e in events(project, "--level", "critical")] == ["worse", "kept"]
    assert [e["message"] for e in events(project, "--limit", "1")] == ["kept"]


def test_a_budget_keeps_exceptions_and_says_what_it_hides(project: Path) -> None:
    lines = [f"WARNING something {'very ' * n}odd" for n in range(20)]
    (project / "logs" / "a.log").write_text(TRACE.format(path="a.py", message="kept") + "\n".join(lines))
    answer = json.loads(ctx(project, "--budget", "60", "--json").stdout)
    shown = [e["message"] for e in answer["events"]]
    assert "kept" in shown
    assert 1 < len(shown) < 15
    (hidden,) = answer["hidden"]
    assert (hidden["rule"], hidden["lines"]) == ("over-budget", 21 - len(shown))


def test_each_event_names_where_its_example_begins(project: Path) -> None:
    text = "INFO calm\n" + TRACE.format(path="a.py", message="x") + "WARNING odd\n"
    (project / "logs" / "a.log").write_text(text)
    (project / "logs" / "b.log.gz").write_bytes(gzip.compress(b"INFO calm\nERROR packed\n"))
    found = {e["message"]: (e["source"], e["offset"]) for e in events(project)}
    assert found == {"x": ("logs/a.log", 0), "odd": ("logs/a.log", text.index("WARN")),
                     "packed": ("logs/b.log.gz", 10)}  # fmt: skip


def test_standard_input_and_the_environment_name_logs(project: Path) -> None:
    trace = TRACE.format(path="a.py", message="piped").encode()
    assert [e["message"] for e in events(project, "--logs", "-", stdin=trace)] == ["piped"]
    other = project / "elsewhere.txt"
    other.write_bytes(trace)
    assert [
        e["message"] for e in events(project, DSPY_AGENT_LOGS=f"{other}{os.pathsep}{project / 'logs'}")
    ] == ["piped"]


def test_people_read_one_line_an_event(project: Path) -> None:
    (project / "logs" / "a.log").write_text(TRACE.format(path="/app/src/shop/pay.py", message="no money") * 3)
    done = ctx(project)
    assert (
        done.stdout.decode().splitlines()[0]
        == "ERROR       3×  ValueError: no money   at src/shop/pay.py:3 in work"
    )


def test_clean_and_empty_logs_say_so(project: Path) -> None:
    log = project / "logs" / "a.log"
    log.write_text("INFO fine\n")
    assert b"Nothing at warning or above in 1 line of 1 file" in ctx(project).stderr
    log.write_text("")
    assert b"empty" in ctx(project).stderr


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        ((), 3, "NoLogs"),
        (("--logs", "no/such"), 3, "PathNotFound"),
        (("--level", "loud"), 2, "BadLevel"),
        (("--since", "soon"), 2, "BadTime"),
    ],
)
def test_what_is_wrong_is_told_with_the_next_step(
    tmp_path: Path, words: tuple[str, ...], code: int, name: str
) -> None:
    done = ctx(tmp_path, *words, "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (code, name)
    assert error["next"]


def test_logs_that_can_not_be_read_are_not_called_empty(project: Path) -> None:
    (project / "logs" / "a.log").write_bytes(b"\0\1\2" * 100)
    said = ctx(project).stderr
    assert b"not read: logs/a.log: binary" in said
    assert b"empty" not in said
