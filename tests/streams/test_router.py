"""``stream router`` as a process on a Kafka cluster: what it answers, refuses and survives."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dspy_agent_core.contracts.messages import Context, Result, Window
from dspy_agent_core.contracts.results import Frame, LogEvent
from tests.agent.session_kit import PROGRAM, environment
from tests.support.kafka import mock_cluster, read_topic, until, write


def context(app: str, first: int, message: str = "boom", **more: Any) -> Context:
    event = LogEvent(
        "error", message, 2, "ValueError", Frame("src/pay.py", 3, "work"), signature=f"1:{message}", before=0
    )
    made = Context(
        id=f"{app}/0/{first}-{first + 9}",
        app=app,
        window=Window(start=f"2026-01-01T00:00:{first:02}.000Z", end=f"2026-01-01T00:00:{first:02}.500Z"),
        ctx=[f"ERROR 2× ValueError: {message}"],
        events=[event],
        hidden=[],
        lines_read=10,
        first_offset=first,
        last_offset=first + 9,
    )
    return made.model_copy(update=more)


def result(app: str, second: int, summary: str) -> Result:
    ts = f"2026-01-01T00:00:{second:02}.500Z"
    return Result(id=f"{app}/{second}", app=app, summary=summary, key_points=[], plan=[], ts=ts)


class Running:
    """A router process, and GET on it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.url = process, f"http://127.0.0.1:{port}"

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                status, body, kind = answer.status, answer.read(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            with error:
                status, body, kind = error.code, error.read(), error.headers["Content-Type"]
        except OSError:
            return 0, None
        return status, json.loads(body) if kind == "application/json" else body.decode()

    def contexts(self, query: str = "") -> list[str]:
        status, answer = self.get(f"/v1/contexts?{query}")
        assert status == 200, answer
        return [found["id"] for found in answer["contexts"]]


@contextmanager
def router(state: Path, bootstrap: str, *words: str) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*PROGRAM, "stream", "router", "--bootstrap", bootstrap, "--http-port", str(port), *words],
        env=environment(state),
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
    )
    running = Running(process, port)
    try:
        until(lambda: running.get("/healthz")[0] == 200, "it does not serve")
        yield running
    finally:
        process.kill()
        process.communicate()


def test_recent_contexts_are_there_and_new_ones_come(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap, router(tmp_path, bootstrap, "--app", "web", "--app", "job") as running:
        write(bootstrap, "logs.ctx.web", *(context("web", n).encode() for n in (0, 10, 20)))
        write(bootstrap, "logs.ctx.job", context("job", 5).encode())
        until(lambda: running.get("/readyz")[0] == 200, "the router is not ready")
        until(lambda: len(running.contexts()) == 4, "not all contexts came")
        assert running.contexts("app=web") == ["web/0/0-9", "web/0/10-19", "web/0/20-29"]
        assert running.contexts("app=web&limit=1") == ["web/0/20-29"]
        status, answer = running.get("/v1/contexts?app=web")
        assert (status, answer["contexts"][0]) == (200, json.loads(context("web", 0).encode()))
        cursor = answer["cursor"]
        assert running.contexts(f"app=web&after={cursor}") == []

        came: list[list[str]] = []
        query = f"app=web&after={cursor}&wait=20"
        waiting = threading.Thread(target=lambda: came.append(running.contexts(query)))
        waiting.start()
        write(bootstrap, "logs.ctx.web", context("web", 30).encode())
        waiting.join(20)
        assert came == [["web/0/30-39"]]
        assert running.contexts(f"app=web&after={cursor}-of-another-life")[-1] == "web/0/30-39"


def test_at_its_start_it_reads_the_last_records_of_each_partition(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap:
        for partition in (0, 1):
            made = (context("web", 0, id=f"{partition}/{number}").encode() for number in range(250))
            write(bootstrap, "logs.ctx.web", *made, partition=partition)
        with router(tmp_path, bootstrap, "--app", "web") as running:
            until(lambda: running.get("/readyz")[0] == 200, "the router is not ready")
            found = running.contexts("limit=1000")
    assert sorted(found) == sorted(f"{p}/{number}" for p in (0, 1) for number in range(50, 250))


def test_twins_are_dropped_and_a_topic_made_anew_is_not(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap, router(tmp_path, bootstrap, "--app", "web") as running:
        first, anew = context("web", 0), context("web", 0, "another")
        write(bootstrap, "logs.ctx.web", first.encode(), first.encode(), anew.encode())
        write(bootstrap, "logs.ctx.web", context("web", 10).encode())
        until(lambda: len(running.contexts()) == 2, "not all contexts came")
        _, answer = running.get("/v1/contexts")
        assert [c["events"][0]["message"] for c in answer["contexts"]] == ["another", "boom"]


def test_the_last_result_of_each_app(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap, router(tmp_path, bootstrap, "--app", "web", "--app", "job") as running:
        write(
            bootstrap, "agent.results.web", result("web", 2, "new").encode(), result("web", 1, "old").encode()
        )
        write(bootstrap, "agent.results.job", result("job", 1, "other").encode())
        until(lambda: len(running.get("/v1/results")[1]["results"]) == 2, "not all results came")
        until(lambda: running.get("/readyz")[0] == 200, "the router is not ready")
        _, answer = running.get("/v1/results?app=web")
        assert [found["summary"] for found in answer["results"]] == ["new"]


def test_what_it_measures(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap, router(tmp_path, bootstrap, "--app", "web") as running:
        write(bootstrap, "logs.ctx.web", *(context("web", n).encode() for n in (0, 10)))
        until(lambda: len(running.contexts()) == 2, "not all contexts came")
        _, answer = running.get("/v1/apps")
        (app,) = answer["apps"]
        assert (app["app"], app["contexts"], app["lines"], app["events"]) == ("web", 2, 20, 2)
        assert app["last_window"] == "2026-01-01T00:00:10.500Z"
        _, text = running.get("/metrics")
        assert 'dspy_agent_router_lines_total{app="web"} 20.0' in text


def test_bad_records_go_to_the_dead_letters(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap, router(tmp_path, bootstrap, "--app", "web") as running:
        future = context("web", 0, schema_version=2).encode()
        stranger = context("job", 0).encode()
        write(bootstrap, "logs.ctx.web", future, b"\xff", stranger, context("web", 10).encode())
        until(lambda: running.contexts() == ["web/0/10-19"], "the good one did not come")
        until(lambda: len(read_topic(bootstrap, "logs.ctx.web.dlq")) == 3, "not all letters were written")
        letters = read_topic(bootstrap, "logs.ctx.web.dlq")
        reasons = {letter.value(): dict(letter.headers())["dspy.reason"] for letter in letters}
        assert reasons == {future: b"UnknownVersion", b"\xff": b"NotUtf8", stranger: b"BadField"}


def test_wrong_questions_are_told_with_the_next_step(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap, router(tmp_path, bootstrap, "--app", "web") as running:
        for path, status, code in (
            ("/v1/contexts?app=nobody", 404, "AppNotFound"),
            ("/v1/contexts?limit=0", 400, "BadQuery"),
            ("/v1/contexts?wait=nan", 400, "BadQuery"),
            ("/v1/contexts/deeper", 404, "NotFound"),
        ):
            found, answer = running.get(path)
            assert (found, answer["error"]["code"]) == (status, code)
            assert answer["error"]["next"]


def test_what_it_can_not_start_with_is_told(tmp_path: Path) -> None:
    def said(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [*PROGRAM, "stream", "router", *words],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stderr

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        named = ("--bootstrap", "127.0.0.1:1", "--app", "web")
        for words, message in (
            (("--app", "web"), "No Kafka broker is named."),
            (named[:2], "No app is named."),
            ((*named, "--app", "Not an app"), "can't be the name of an app."),
            ((*named, "--http-port", port), "can't be served"),
            ((*named, "--host", "no.such.host.invalid"), "can't be served"),
        ):
            code, stderr = said(*words)
            assert (code, message in stderr, "next:" in stderr) == (2, True, True), stderr


def test_without_a_broker_it_waits_and_says_why(tmp_path: Path) -> None:
    with socket.socket() as nobody:  # bound, not listening
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with router(tmp_path, address, "--app", "web") as running:
            until(lambda: "no Kafka broker answers" in str(running.get("/readyz")[1]), "it does not say why")
            assert running.get("/readyz")[0] == 503
            assert running.get("/healthz")[0] == 200
            assert "no Kafka broker answers" in running.get("/v1/contexts")[1]["trouble"]
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(20) == 0


def test_sigterm_ends_it_while_someone_waits(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap, router(tmp_path, bootstrap, "--app", "web") as running:
        write(bootstrap, "logs.ctx.web", context("web", 0).encode())
        until(lambda: len(running.contexts()) == 1, "the context did not come")
        cursor = running.get("/v1/contexts")[1]["cursor"]
        waiting = threading.Thread(target=running.get, args=(f"/v1/contexts?after={cursor}&wait=30",))
        waiting.start()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 0
        waiting.join(20)
        assert not waiting.is_alive()
