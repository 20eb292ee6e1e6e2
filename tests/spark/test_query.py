"""The query in a real Spark: the golden input, a driver that is killed, and windows that silence ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dspy_agent_core.contracts.messages import RawLine
from dspy_agent_core.errors import MissingRequirement
from dspy_spark.session import check_connector, start_session
from tests.spark import files
from tests.streams.golden import golden_contexts, golden_letters, golden_records

DEADLINE = 300.0  # for a machine that others keep busy
BATCHES = 5

pytestmark = [
    pytest.mark.skipif(
        shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="needs Java 17 for Spark"
    ),
    pytest.mark.timeout(900),
    # What Spark's own Python code does is not ours to mend.
    pytest.mark.filterwarnings("default"),
]


def _wait(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < until, f"waited for {what}"
        time.sleep(0.05)


def _driver(folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "tests.spark.files", "in", "out", "checkpoint"]
    paths = [*words[:3], *(str(folder / word) for word in words[3:])]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(paths, stderr=log, stdout=log, start_new_session=True)


def test_a_driver_that_is_killed_changes_nothing(tmp_path: Path) -> None:
    """Its next run writes again what was not committed: the same, and with the rest the golden contexts."""
    parts = files.rows_of(golden_records(), "logs.raw.shop")
    files.write_batches(tmp_path / "in", parts, BATCHES)
    commits = tmp_path / "checkpoint" / "commits"
    first = _driver(tmp_path)
    try:
        _wait(lambda: first.poll() is not None or (commits / "1").exists(), "two micro-batches")
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    log = (tmp_path / "log").read_text()
    assert (commits / "1").exists(), log
    assert not (commits / str(BATCHES - 1)).exists(), "it was killed too late"
    second = _driver(tmp_path)
    try:
        assert second.wait(DEADLINE) == 0, (tmp_path / "log").read_text()
    finally:
        if second.poll() is None:
            os.killpg(second.pid, signal.SIGKILL)
            second.wait()
    rows = files.written(tmp_path / "out")
    made = {(row["key"], row["value"]) for row in rows if row["topic"] == "logs.ctx.shop"}
    assert made == set(golden_contexts().items())
    letters = [row for row in rows if row["topic"] == "logs.raw.shop.dlq"]
    places = {(int(row["headers"]["dspy.partition"]), int(row["headers"]["dspy.offset"])) for row in letters}
    assert places == golden_letters()
    sent = {(row[1], row[2]): (row[4], row[5]) for part in parts for row in part}
    for row in letters:
        place = int(row["headers"]["dspy.partition"]), int(row["headers"]["dspy.offset"])
        assert (row["key"], row["value"]) == sent[place]
        assert row["headers"]["h"] == b"\xff"
        assert row["headers"]["dspy.topic"] == b"logs.raw.shop"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    session = start_session("local[2]")
    yield session
    session.stop()


def test_a_spark_without_the_kafka_connector_is_told(spark: Any) -> None:
    with pytest.raises(MissingRequirement) as caught:
        check_connector(spark)
    assert caught.value.code == "NoKafkaConnector"


def test_silence_ends_a_window_after_a_restart_too(spark: Any, tmp_path: Path) -> None:
    """Without a new record of any topic, a query that was just started closes what it finds open."""
    places = tmp_path / "in", tmp_path / "out", tmp_path / "checkpoint"
    line = RawLine(line="ERROR out of disk").encode()
    now = int(time.time() * 1000)
    files.write_batch(places[0], 0, [("logs.raw.web", 0, 5, now, b"pod", line)])
    query = files.start(spark, *places, "1 hour")
    try:
        _wait(lambda: not query.isActive or query.lastProgress is not None, "the first micro-batch")
        assert query.exception() is None
    finally:
        query.stop()
    assert files.written(places[1]) == []
    query = files.start(spark, *places, "100 milliseconds")
    try:
        _wait(lambda: not query.isActive or bool(files.written(places[1])), "the window's end")
        # What an unfinished batch wrote is taken back when its query is stopped.
        begun = max((places[2] / "offsets").glob("[0-9]*"), key=lambda file: int(file.name)).name
        committed = places[2] / "commits" / begun
        _wait(lambda: not query.isActive or committed.exists(), "the batch's end")
        assert query.exception() is None
    finally:
        query.stop()
    (row,) = files.written(places[1])
    assert (row["topic"], row["key"]) == ("logs.ctx.web", b"web/0/5-5")
    assert b"out of disk" in row["value"]
