"""Own lines of the log reach the topic, and the cursor waits for the broker's word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.log_mark import START, LogMark
from dspy_agent.learning.mirror import SHARED, Mirror
from dspy_agent.learning.mirror_cursor import NAME, Cursor
from dspy_agent.streams import kafka
from dspy_agent.streams.outbox import Outbox
from dspy_agent.streams.program import Program
from tests.learning.policy_kit import decision, told, workspace_at
from tests.support.kafka import MockCluster, mock_cluster, read_topic, settings, until

TOPIC = "agent.learning"
_NOT_ENOUGH_REPLICAS = 19


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return workspace_at(tmp_path / "shop")


@pytest.fixture
def broker() -> Iterator[MockCluster]:
    with mock_cluster() as cluster:
        cluster.create(TOPIC)
        yield cluster


class Run:
    """One run of a mirror, which ends when it is thrown away."""

    def __init__(self, broker: MockCluster, workspace: Path) -> None:
        made = settings(broker)
        self.program = Program("stream-test", made)
        self.outbox = Outbox(kafka.producer(made, {"log_level": 0, "linger.ms": 0}), self.program)
        self.cursor = Cursor(workspace / ".dspy_index" / NAME, f"{broker} {TOPIC}")
        self.mirror = Mirror(workspace, self.cursor, TOPIC, self.outbox)

    def step(self) -> bool:
        """Do what the program's loop does; return whether all is confirmed."""
        self.mirror.step()
        self.outbox.poll(0.02)
        self.mirror.save(now=True)
        return self.mirror.caught_up

    def finish(self) -> None:
        until(self.step, "the log is not mirrored")


def _ids(broker: MockCluster) -> list[str]:
    return [json.loads(record.value())["id"] for record in read_topic(broker, TOPIC)]


def test_each_line_is_sent_once_in_its_order_by_its_decision(broker: MockCluster, workspace: Path) -> None:
    told(workspace, *[decision(f"d{number}") for number in range(1200)])
    Run(broker, workspace).finish()
    told(workspace, decision("last"))
    Run(broker, workspace).finish()
    records = read_topic(broker, TOPIC)
    assert sorted(_ids(broker)) == sorted([*[f"d{number}" for number in range(1200)], "last"])
    assert all(record.key().decode() == json.loads(record.value())["decision_id"] for record in records)


def test_what_came_from_others_and_what_is_damaged_is_not_sent(broker: MockCluster, workspace: Path) -> None:
    told(workspace, decision("own"), decision("others").model_copy(update={SHARED: True}))
    with (workspace / LOG_NAME).open("ab") as log:
        log.write(b"\xff\n{}\n" + b"x" * 100_000 + b"\n")
    told(workspace, decision("next"))
    with (workspace / LOG_NAME).open("ab") as log:
        log.write(b'{"id":"torn')
    run = Run(broker, workspace)
    run.finish()
    assert sorted(_ids(broker)) == ["next", "own"]
    assert (run.mirror.sent, run.mirror.damaged) == (2, 3)


def test_a_broker_that_is_away_or_fails_loses_nothing(broker: MockCluster, workspace: Path) -> None:
    told(workspace, decision("a"))
    Run(broker, workspace).finish()
    broker.fail(TOPIC, _NOT_ENOUGH_REPLICAS)
    run = Run(broker, workspace)
    told(workspace, decision("b"))
    until(lambda: run.step() or bool(run.program.health.waiting_for()), "nothing is sent")
    before = run.cursor.sent
    broker.set_up(False)
    told(workspace, decision("c"))
    run.step()
    assert run.cursor.sent == before
    broker.fail(TOPIC, 0)
    broker.set_up(True)
    run = Run(broker, workspace)  # as after a kill: the cursor is what is left
    assert run.cursor.sent == before
    run.finish()
    assert set(_ids(broker)) == {"a", "b", "c"}
    assert run.cursor.sent.offset == (workspace / LOG_NAME).stat().st_size


@pytest.mark.parametrize("lost", ["cursor", "log"])
def test_a_lost_cursor_or_another_log_begins_anew(broker: MockCluster, workspace: Path, lost: str) -> None:
    told(workspace, decision("a"), decision("b"))
    run = Run(broker, workspace)
    run.finish()
    if lost == "cursor":
        (workspace / ".dspy_index" / NAME).write_bytes(b"{")
        run = Run(broker, workspace)
    else:
        (workspace / LOG_NAME).unlink()
        told(workspace, decision("c"))
    run.finish()
    assert sorted(_ids(broker)) == (["a", "a", "b", "b"] if lost == "cursor" else ["a", "b", "c"])


MARKS = st.builds(LogMark, st.integers(0, 2**60), st.text("0123456789abcdef"), st.text("0123456789abcdef"))


@given(
    sent=MARKS, read=st.dictionaries(st.integers(0, 99), st.integers(0, 2**60), max_size=5), data=st.data()
)
def test_a_cursor_is_what_was_saved_or_begins_anew(
    tmp_path_factory: pytest.TempPathFactory, sent: LogMark, read: dict[int, int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cursor") / NAME
    Cursor(path, "t").save(sent=sent, read=read)
    if path.exists():
        found = Cursor(path, "t")
        assert (found.sent, found.read) == (sent, read)
        assert Cursor(path, "other").sent == START
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 2))])
        assert (Cursor(path, "t").sent, Cursor(path, "t").read) == (START, {})
        path.write_bytes(data.draw(st.binary(max_size=50)))
        Cursor(path, "t")
