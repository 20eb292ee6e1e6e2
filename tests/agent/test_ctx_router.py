"""``ctx`` beside log streams: what the router knows, and what it says when the router is of no help."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dspy_agent.streams.http import JSON, Reply, serving
from dspy_agent.streams.router_store import RouterStore
from dspy_agent.streams.router_view import routes
from dspy_agent_core.contracts.messages import Context, Window
from dspy_agent_core.contracts.results import Frame, Hidden, LogEvent
from tests.agent.session_kit import PROGRAM, environment


def context(app: str, second: int, *events: LogEvent, partition: int = 0, hidden: int = 0) -> Context:
    return Context(
        id=f"{app}/{partition}/{second}-{second + 9}",
        app=app,
        window=Window(start=f"2026-01-01T00:00:{second:02}.000Z", end=f"2026-01-01T00:00:{second:02}.500Z"),
        ctx=[],
        events=list(events),
        hidden=[Hidden("health-probe", hidden)] if hidden else [],
        lines_read=10,
        partition=partition,
        first_offset=second,
        last_offset=second + 9,
    )


def boom(second: int, times: int, before: int | None = None, path: str = "/app/src/pay.py") -> LogEvent:
    return LogEvent(
        "error",
        f"boom {second}",
        times,
        "ValueError",
        Frame(path, 3, "work"),
        cause=["KeyError: 'x' at /app/src/pay.py:9 in find"],
        first=f"2026-01-01T00:00:{second:02}Z",
        last=f"2026-01-01T00:00:{second:02}.400Z",
        signature="1:boom",
        before=before,
    )


def warning(second: int, text: str = "careful") -> LogEvent:
    return LogEvent("warning", text, 1, last=f"2026-01-01T00:00:{second:02}Z", signature=f"1:{text}")


@contextmanager
def router(*contexts: Context, trouble: Callable[[], str | None] = lambda: None) -> Iterator[str]:
    store = RouterStore(dict.fromkeys([c.app for c in contexts] or ["web"]))
    for made in contexts:
        store.add_context(made, made.encode())
    with serving(0, routes(store, trouble, dict), "127.0.0.1") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "pay.py").write_text("pass\n")
    return tmp_path


def ctx(cwd: Path, url: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, "ctx", *words],
        cwd=cwd,
        env=environment(cwd / ".state", DSPY_AGENT_ROUTER=url),
        capture_output=True,
        timeout=60,
    )


def answer(cwd: Path, url: str, *words: str) -> dict:
    done = ctx(cwd, url, *words, "--json")
    assert done.returncode in (0, 1), (done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_like_events_of_several_windows_are_one(project: Path) -> None:
    with router(
        context("web", 0, boom(0, 2, before=0), hidden=3),
        context("web", 20, boom(20, 5, before=2), warning(21), hidden=4),
        context("job", 10, boom(10, 1, before=4)),
    ) as url:
        found = answer(project, url)
    assert [(e["app"], e["message"], e["count"]) for e in found["events"]] == [
        ("web", "careful", 1),
        ("web", "boom 20", 7),
        ("job", "boom 10", 1),
    ]
    folded = found["events"][1]
    assert (folded["first"], folded["last"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:20.400Z")
    assert folded["before"] == 0
    assert folded["frame"]["path"] == "src/pay.py"
    assert folded["cause"] == ["KeyError: 'x' at src/pay.py:9 in find"]
    assert found["hidden"] == [{"rule": "health-probe", "lines": 7}]
    assert (found["lines_read"], found["apps"]) == (30, ["job", "web"])


def test_windows_fold_in_the_order_of_their_time_whatever_came_first(project: Path) -> None:
    with router(context("web", 20, boom(20, 5, before=2)), context("web", 0, boom(0, 2, before=0))) as url:
        (event,) = answer(project, url)["events"]
    assert (event["message"], event["count"], event["before"]) == ("boom 20", 7, 0)


def test_messages_whose_variable_part_no_window_shows_are_one(project: Path) -> None:
    names = ("ann", "bob", "eve", "joe", "kim", "lee")
    logins = (
        context("web", second, LogEvent("warning", f"login failed for user {name}", 2, signature=f"1:{name}"))
        for second, name in enumerate(names)
    )
    with router(*logins) as url:
        (event,) = answer(project, url)["events"]
    assert (event["message"], event["count"]) == ("login failed for user lee", 12)


def test_local_logs_and_streams_together_newest_first(project: Path) -> None:
    (project / "logs").mkdir()
    (project / "logs" / "web.log").write_text("2026-01-01T00:00:05Z ERROR local\n")
    with router(context("web", 10, boom(10, 1)), context("job", 0, warning(0))) as url:
        everything = answer(project, url)
        of_web = answer(project, url, "--app", "web")
        of_job = answer(project, url, "--app", "job")
    assert [e["message"] for e in everything["events"]] == ["boom 10", "local", "careful"]
    assert [e["message"] for e in of_web["events"]] == ["boom 10", "local"]
    assert [e["message"] for e in of_job["events"]] == ["careful"]


def test_logs_without_times_are_as_old_as_their_file(project: Path) -> None:
    (project / "a.log").write_text("ERROR local\n")
    for year, order in ((2020, ["boom 0", "local"]), (2030, ["local", "boom 0"])):
        written = datetime(year, 1, 1, tzinfo=UTC).timestamp()
        os.utime(project / "a.log", (written, written))
        with router(context("web", 0, boom(0, 1))) as url:
            assert [e["message"] for e in answer(project, url)["events"]] == order


def test_since_level_and_limit_hold_for_the_streams(project: Path) -> None:
    many = [warning(n, "very " * n + "odd") for n in range(50)]
    with router(context("web", 0, boom(0, 1)), context("web", 55, *reversed(many), boom(50, 1))) as url:
        assert len(answer(project, url)["events"]) == 41
        late = answer(project, url, "--since", "2026-01-01T00:00:45Z")
        assert [e["message"] for e in late["events"]][:2] == ["boom 50", "very " * 49 + "odd"]
        assert {h["rule"] for h in late["hidden"]} == {"before-since"}
        assert [e["message"] for e in answer(project, url, "--level", "error")["events"]] == ["boom 50"]
        assert [e["message"] for e in answer(project, url, "--limit", "1")["events"]] == ["boom 50"]


def test_an_app_that_the_router_does_not_know_hides_no_other(project: Path) -> None:
    (project / "job.log").write_text("ERROR local\n")
    with router(context("web", 0, boom(0, 1))) as url:
        found = answer(project, url, "--app", "web", "--app", "job")
    assert {e["message"] for e in found["events"]} == {"boom 0", "local"}
    assert found["unread"] == [{"path": "job", "why": "the router does not know this app"}]


def test_a_budget_holds_for_both_together(project: Path) -> None:
    (project / "a.log").write_text("".join(f"WARNING local {'very ' * n}odd\n" for n in range(10)))
    many = [warning(n, f"number {'more ' * n}") for n in range(10)]
    with router(context("web", 20, *many, boom(20, 1))) as url:
        found = answer(project, url, "--budget", "70")
    assert "boom 20" in [e["message"] for e in found["events"]]
    assert 1 < len(found["events"]) < 12
    assert found["hidden"] == [{"rule": "over-budget", "lines": 21 - len(found["events"])}]


def test_a_router_that_is_down_costs_one_line(project: Path) -> None:
    (project / "a.log").write_text("ERROR local\n")
    done = ctx(project, "http://127.0.0.1:1")
    assert b"local" in done.stdout
    assert [line for line in done.stderr.splitlines() if b"router" in line] == [
        b"not read: http://127.0.0.1:1: the router: connection refused"
    ]


def test_the_router_tells_that_nothing_new_comes(project: Path) -> None:
    with router(context("web", 0, boom(0, 1)), trouble=lambda: "no Kafka broker answers") as url:
        done = ctx(project, url)
    assert done.returncode == 0
    assert b"the router: no Kafka broker answers" in done.stderr


def test_no_logs_and_an_empty_router_are_no_error(project: Path) -> None:
    with router() as url:
        done = ctx(project, url)
    assert (done.returncode, done.stderr) == (1, b"The router has no contexts yet.\n")


@pytest.mark.parametrize(
    ("url", "words", "code"),
    [
        ("", ("--app", "web"), "AppNotFound"),
        ("ftp://router", (), "BadRouter"),
        ("http://[", (), "BadRouter"),
        ("LIVE", ("--app", "nobody"), "AppNotFound"),
    ],
)
def test_what_is_wrong_is_told_with_the_next_step(
    project: Path, url: str, words: tuple[str, ...], code: str
) -> None:
    with router(context("web", 0)) as live:
        done = ctx(project, live if url == "LIVE" else url, *words, "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], bool(error["next"])) == (code, True)
    assert done.returncode in (2, 3)


def test_an_app_of_the_local_logs_needs_no_router(project: Path) -> None:
    for name in ("logs/web/0.log", "logs/job.log", "logs/other.log"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(f"ERROR in {name}\n")
    found = answer(project, "", "--app", "web", "--app", "job")
    assert {e["message"] for e in found["events"]} == {"in logs/web/0.log", "in logs/job.log"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b'{"contexts": 3}',
        b'{"error": 3}',
        b"[" * 100_000,
        b'{"contexts": [1, {"id": 1}, {"schema_version": 9}, null, {"id":"\\ud800"}], "cursor": []}',
    ],
)
@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_router_that_talks_nonsense_does_no_harm(project: Path, body: bytes, status: int) -> None:
    def nonsense(path: str, query: Mapping[str, list[str]]) -> Reply:
        return Reply(body, status, JSON)

    (project / "a.log").write_text("ERROR local\n")
    with serving(0, {"/v1/contexts": nonsense}, "127.0.0.1") as port:
        done = ctx(project, f"http://127.0.0.1:{port}")
    assert done.returncode == 0, done.stderr
    assert b"local" in done.stdout
    assert b"not read: http" in done.stderr
