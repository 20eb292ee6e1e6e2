"""``stream trainer``: agents of a workspace share what they learn, each event once, whatever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.learning.background import learning_kept
from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.log import Reader
from dspy_agent.learning.mirror_cursor import Cursor
from dspy_agent.learning.policy_state import STATE_NAME, open_policy
from dspy_agent.streams import kafka
from dspy_agent.streams.outbox import Outbox
from dspy_agent.streams.program import Program
from dspy_agent.streams.trainer_topic import SharedEvents
from tests.learning.policy_kit import decision, folded, ids, outcome, told, workspace_at
from tests.support.kafka import MockCluster, mock_cluster, read, read_topic, settings, until, write

PROGRAM = str(Path(sys.executable).with_name("dspy-agent"))
TOPIC = "agent.learning"
KILLS = 4


@pytest.fixture
def broker() -> Iterator[MockCluster]:
    with mock_cluster() as cluster:
        cluster.create(TOPIC)
        yield cluster


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return workspace_at(tmp_path / "one" / "shop")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return workspace_at(tmp_path / "other" / "shop")


def _words(workspace: Path, broker: str, *words: str) -> list[str]:
    kafka = ["--bootstrap", broker] if broker else []
    return [PROGRAM, "stream", "trainer", "--workspace", str(workspace), *kafka, *words]


def _once(workspace: Path, broker: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _words(workspace, broker, "--once"), timeout=100, capture_output=True, text=True, env=_environment()
    )


def _environment(**more: str) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if k != "KAFKA_BOOTSTRAP"}, **more}


@contextmanager
def _running(workspace: Path, broker: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        _words(workspace, broker, *words),
        env=_environment(RL_BACKGROUND_STEPS="3"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _events(workspace: Path) -> list[str]:
    return sorted(ids(Reader(workspace / LOG_NAME)))


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_agents_share_what_they_learn_each_event_once(broker: MockCluster, one: Path, other: Path) -> None:
    told(one, decision("a"), outcome("a", "opened-1", 1.0))
    with (one / LOG_NAME).open("ab") as log:
        log.write(b'{"schema_version":1,"id":"torn')
    told(other, decision("b", "esearch"))
    foreign = decision("z").model_copy(update={"workspace": "bakery"})
    bad = [b"\xff", foreign.model_copy(update={"schema_version": 2}).encode(), b'{"schema_version":1}']
    large = decision("large").model_copy(update={"extra": "x" * 70_000}).encode()
    write(broker, TOPIC, foreign.encode(), *bad, large)
    for workspace in (one, other, one, other):
        done = _once(workspace, broker)
        assert done.returncode == 0, done.stderr
    assert _events(one) == _events(other) == ["a", "a-opened-1", "b"]
    for workspace in (one, other):
        policies = open_policy(workspace)
        assert policies.unsaved == 0
        assert policies.learner.encode() == folded(workspace)
        assert policies.learner.decisions == 2
    letters = read(broker, f"{TOPIC}.dlq", lambda found: {each.value() for each in found} >= {*bad, large})
    reasons = {value.decode() for record in letters for name, value in record.headers() if "reason" in name}
    assert reasons == {"NotUtf8", "UnknownVersion", "BadField", "TooLarge"}
    sent = [json.loads(record.value()) for record in read_topic(broker, TOPIC) if record.value() not in bad]
    assert sorted(event["id"] for event in sent) == ["a", "a-opened-1", "b", "large", "z"]


def test_agents_share_by_the_name_that_they_are_given(
    broker: MockCluster, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = workspace_at(tmp_path / "source")
    told(one, decision("a"))  # of a workspace that is named as its folder: shop
    _once(one, broker)
    assert _once(far, broker).returncode == 0
    assert _events(far) == []
    monkeypatch.setenv("DSPY_AGENT_WORKSPACE_NAME", "shop")
    other = workspace_at(tmp_path / "other" / "source")
    assert _once(other, broker).returncode == 0
    assert _events(other) == ["a"]


def test_a_running_session_sees_it_and_the_broker_may_go_away(broker: MockCluster, one: Path) -> None:
    session = open_policy(one)
    port = _free_port()
    with _running(one, broker, "--http-port", str(port)) as process:
        until(lambda: _get(port, "/readyz")[0] == 200, "the trainer is not ready", 60)
        write(broker, TOPIC, decision("b").encode(), decision("b").encode(), partition=1)
        until(lambda: session.learner.decisions == 1, "the session does not learn of it")
        broker.set_up(False)
        told(one, decision("a"), decision("c"))
        until(lambda: (one / STATE_NAME).exists(), "no snapshot is made")
        broker.set_up(True)
        assert sorted(json.loads(record.value())["id"] for record in read(broker, TOPIC, 4)) == [
            "a",
            "b",
            "b",
            "c",
        ]
        until(lambda: "dspy_agent_trainer_decisions 3.0" in _get(port, "/metrics")[1], "not measured")
        assert _get(port, "/healthz")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert _events(one) == ["a", "b", "c"]
    metrics = [json.loads(record.value()) for record in read(broker, "agent.metrics", _has_rewards)]
    assert {"stream-trainer"} == {metric["source"] for metric in metrics}
    assert {"tool": "grep"} in [metric["labels"] for metric in metrics if "mean_reward" in metric["name"]]


def _has_rewards(records: list[Any]) -> bool:
    return any(b"trainer_mean_reward" in record.value() for record in records)


def test_one_works_and_another_stands_by(one: Path) -> None:
    """Without a broker: then it only keeps the state."""
    with _running(one, "") as first:
        until((one / ".dspy_index" / "trainer.lock").exists, "the trainer does not start", 60)
        told(one, decision("a"), decision("b"), decision("c"))
        until((one / STATE_NAME).exists, "no snapshot is made", 60)
        refused = _once(one, "")
        assert refused.returncode == 3
        assert "Another trainer works" in refused.stderr
        with _running(one, "") as second:
            assert second.stderr is not None
            assert "stands by" in second.stderr.readline()
            first.kill()
            first.wait()
            (one / STATE_NAME).unlink()
            told(one, decision("d"), decision("e"), decision("f"))
            until((one / STATE_NAME).exists, "the other one does not take over", 60)
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 0
    assert open_policy(one).learner.encode() == folded(one)
    assert open_policy(one).unsaved == 0


def test_a_session_shares_by_itself_where_the_environment_names_a_broker(
    broker: MockCluster, one: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", broker)
    session = open_policy(one)
    with learning_kept(one):
        told(one, decision("a"))
        write(broker, TOPIC, decision("b").encode())
        until(lambda: session.learner.decisions == 2, "the session does not learn of it")
        assert len(read(broker, TOPIC, 2)) == 2
        broker.set_up(False)
    assert _events(one) == ["a", "b"]
    assert session.learner.encode() == folded(one)
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_written_is_waited_for(broker: MockCluster, one: Path) -> None:
    (one / LOG_NAME).mkdir()
    made = settings(broker)
    program = Program("stream-test", made)
    outbox = Outbox(kafka.producer(made), program)
    cursor = Cursor(one / ".dspy_index" / "mirror.json", TOPIC)
    shared = SharedEvents(program, made, outbox, cursor, one, lambda: None, steps=64, once=False)
    write(broker, TOPIC, decision("a").encode(), decision("b").encode())

    def met(done: Callable[[], bool]) -> Callable[[], bool]:
        def step() -> bool:
            shared.step()
            return done()

        return step

    until(met(lambda: any("log can't be written" in why for why in program.health.waiting_for())), "untold")
    shared.save()
    assert not any(cursor.read.values())
    (one / LOG_NAME).rmdir()
    until(met((one / LOG_NAME).exists), "nothing is written")
    shared.close()
    program.reports.close()
    assert _events(one) == ["a", "b"]
    assert sum(cursor.read.values()) == 2


def test_a_broker_that_is_away_is_told_after_the_state_was_kept(one: Path) -> None:
    told(one, decision("a"))
    done = _once(one, "127.0.0.1:1")
    assert done.returncode == 6
    assert open_policy(one).unsaved == 0


@pytest.mark.timeout(300)
def test_killed_at_random_moments(broker: MockCluster, one: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    wanted: list[str] = []
    for round in range(KILLS):
        with _running(one, broker) as process:
            for step in range(30):
                own, others = f"own-{round}-{step}", f"others-{round}-{step}"
                told(one, decision(own))
                write(broker, TOPIC, decision(others).encode(), partition=dice.randrange(4))
                wanted += [own, others]
            with suppress(subprocess.TimeoutExpired):
                process.wait(dice.uniform(0.3, 3.0))
            assert process.poll() is None, process.stderr.read() if process.stderr else seed
    done = _once(one, broker)
    assert done.returncode == 0, done.stderr
    assert _events(one) == sorted(wanted), seed
    assert open_policy(one).learner.encode() == folded(one)
    sent = {json.loads(record.value())["id"] for record in read_topic(broker, TOPIC)}
    assert sent == set(wanted), seed
