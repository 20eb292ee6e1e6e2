"""The Spark image against a real broker, without a cluster: what it makes, loses, repeats, takes and needs.

    python -m e2e.streams.spark_golden

Reads the recorded input of all engines with small micro-batches while its driver is killed once, then live
lines while the broker is away for a minute. Prints one JSON object; exit code 1 if anything is lost, made
otherwise or told twice with another content. Needs docker, the images, and about four minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from dspy_agent_core.contracts.messages import Context, decode
from dspy_agent_core.contracts.topics import Topics, app_topics
from tests.streams.golden import APP, PARTITIONS, golden_contexts, golden_letters, golden_records

from ..kit.images import SPARK
from ..kit.kafka import IMAGE

LIVE, LIVE_LINES, AWAY = "live", 1000, 60.0
PORT, HTTP = 19592, 19594
BOOTSTRAP = f"127.0.0.1:{PORT}"
BROKER, JOB = f"spark-golden-broker-{os.getpid()}", f"spark-golden-job-{os.getpid()}"
QUIET = {"bootstrap.servers": BOOTSTRAP, "log_level": 2}


def main() -> int:
    """Run all; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        try:
            found = {**_golden(folder), **_live()}
        finally:
            _docker("logs", "--tail", "20", JOB, check=False, show=True)
            _docker("rm", "-f", JOB, BROKER, check=False)
            # The job's files are of another user.
            _docker(
                "run", "--rm", "-v", f"{folder}:/c", "--entrypoint", "rm", "-u", "0", SPARK, "-rf", "/c/ctx"
            )
    print(json.dumps(found, indent=2))
    good = ("golden_equal", "golden_letters_equal", "live_tiled")
    return 0 if all(found[name] for name in good) else 1


def _golden(folder: str) -> dict[str, Any]:
    _start_broker()
    _make_topics(APP, PARTITIONS, own_times=True)
    _make_topics(LIVE, 2, own_times=False)
    producer = Producer(QUIET)
    for one in golden_records():
        producer.produce(
            f"logs.raw.{APP}", one.value, key=one.key, partition=one.partition, timestamp=one.time
        )
    producer.flush(30)
    _start_job(folder)
    wanted = golden_contexts()
    _wait(lambda: len(_read(f"logs.ctx.{APP}")) >= len(wanted) // 4, 120, "a quarter of the contexts")
    _docker("kill", "--signal", "KILL", JOB)
    before = len(_read(f"logs.ctx.{APP}"))
    assert before < len(wanted), "killed too late"
    _docker("start", JOB)
    _wait(lambda: {m.key() for m in _read(f"logs.ctx.{APP}")} >= set(wanted), 180, "all contexts")
    made = [(m.key(), m.value()) for m in _read(f"logs.ctx.{APP}")]
    letters = [dict(m.headers()) for m in _read(f"logs.raw.{APP}.dlq")]
    places = {(int(one["dspy.partition"]), int(one["dspy.offset"])) for one in letters}
    return {
        "golden_equal": set(made) == set(wanted.items()),
        "golden_contexts": len(wanted),
        "golden_before_the_kill": before,
        "golden_written_again": len(made) - len(set(made)),
        "golden_letters_equal": places == golden_letters(),
    }


def _live() -> dict[str, Any]:
    """Write errors, at first with a broker that stays; count all, and time those."""
    producer = Producer({**QUIET, "enable.idempotence": True, "message.timeout.ms": 0, "linger.ms": 0})
    topic = f"logs.ctx.{LIVE}"
    watcher = _consumer(topic)
    seen: list[tuple[float, Any]] = []
    memory = 0.0
    gone_at = back_at = None
    until = time.monotonic() + 400
    sent = 0
    batches: list[float] = []
    while time.monotonic() < until:
        if sent < LIVE_LINES:
            line = json.dumps({"line": f"ERROR payment {sent} refused"})
            producer.produce(f"logs.raw.{LIVE}", line, partition=sent % 2)
            sent += 1
        producer.poll(0)
        message = watcher.poll(0.12)
        if message is not None and message.error() is None:
            seen.append((time.time(), message))
        if gone_at is None and sent % 5 == 0:
            batches.append(_batch_seconds())
        if sent == LIVE_LINES // 2 and gone_at is None:
            memory = _memory()
            _docker("stop", "-t", "10", BROKER)
            gone_at = time.monotonic()
        if gone_at is not None and back_at is None and time.monotonic() - gone_at > AWAY:
            _docker("start", BROKER)
            back_at = time.monotonic()
        if sent == LIVE_LINES and back_at is not None and _tiled(seen)["live_lines"] >= LIVE_LINES:
            break
    watcher.close()
    read = [(at, decode(Context, message.value())) for at, message in seen]
    # Each line is an error, so the first of a window is what people wait for.
    waits = sorted(
        at - datetime.fromisoformat(context.window.start).timestamp()
        for at, context in read
        if context.last_offset < LIVE_LINES // 8
    )
    return {
        **_tiled(seen),
        "broker_away_s": AWAY,
        "raw_to_ctx_s": _figures(waits),
        "batch_s": _figures(sorted(batches)),
        "memory_mib": memory,
    }


def _tiled(seen: list[tuple[float, Any]]) -> dict[str, Any]:
    contexts = {m.key(): decode(Context, m.value()) for _, m in seen}
    equal = len({(m.key(), m.value()) for _, m in seen}) == len(contexts)
    holes = 0
    for number in range(2):
        ranges = sorted((c.first_offset, c.last_offset) for c in contexts.values() if c.partition == number)
        holes += sum(before[1] + 1 != after[0] for before, after in pairwise(ranges))
        holes += bool(ranges and ranges[0][0] != 0)
    lines = sum(context.lines_read for context in contexts.values())
    return {
        "live_lines": lines,
        "live_contexts": len(contexts),
        "live_written_again": len(seen) - len(contexts),
        "live_tiled": equal and holes == 0 and lines == LIVE_LINES,
    }


def _figures(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        "n": len(values),
        "p50": round(cuts[49], 2),
        "p99": round(cuts[98], 2),
        "max": round(values[-1], 2),
    }


def _batch_seconds() -> float:
    """Return how long the last micro-batch took."""
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/metrics", timeout=5) as reply:
        text = reply.read().decode()
    return float(text.split("\ndspy_agent_spark_batch_seconds ")[1].split()[0])


def _memory() -> float:
    text = _docker("stats", "--no-stream", "--format", "{{.MemUsage}}", JOB).split("/")[0].strip()
    scale = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}[text[-3:]]
    return round(float(text[:-3]) * scale, 1)


def _start_broker() -> None:
    settings = {
        "PROCESS_ROLES": "broker,controller",
        "NODE_ID": "1",
        "LISTENERS": f"PLAINTEXT://127.0.0.1:{PORT},CONTROLLER://127.0.0.1:{PORT + 1}",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://{BOOTSTRAP}",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "CONTROLLER_QUORUM_VOTERS": f"1@127.0.0.1:{PORT + 1}",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "LOG_DIRS": "/tmp/kraft-combined-logs",
    }
    env = [word for name, value in settings.items() for word in ("-e", f"KAFKA_{name}={value}")]
    _docker("run", "-d", "--name", BROKER, "--network", "host", *env, IMAGE)
    _wait(lambda: bool(AdminClient(QUIET).list_topics(timeout=2).brokers), 60, "the broker")


def _start_job(folder: str) -> None:
    _docker(
        "run", "-d", "--name", JOB, "--network", "host", "--read-only", "--tmpfs", "/tmp:mode=1777",
        "-v", f"{folder}:/checkpoint", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--memory", "1536m", SPARK, "--bootstrap", BOOTSTRAP, "--checkpoint", "/checkpoint/ctx",
        "--max-lines", "60", "--http-port", str(HTTP),
    )  # fmt: skip


def _make_topics(app: str, partitions: int, *, own_times: bool) -> None:
    """Make the topics of ``app``; with ``own_times`` the recorded times stay."""
    admin = AdminClient(QUIET)
    for spec in app_topics(Topics(), app, partitions):
        config = dict(spec.config)
        if own_times:
            config.pop("message.timestamp.type", None)
        (made,) = admin.create_topics([NewTopic(spec.name, spec.partitions, 1, config=config)]).values()
        made.result()


def _consumer(topic: str) -> Any:
    reader = Consumer({**QUIET, "group.id": "reader", "enable.auto.commit": False})
    parts = reader.list_topics(topic, timeout=10).topics[topic].partitions
    reader.assign([TopicPartition(topic, number, 0) for number in parts])
    return reader


def _read(topic: str) -> list[Any]:
    """Return all records that are in ``topic`` now."""
    reader = _consumer(topic)
    parts = [part.partition for part in reader.assignment()]
    wanted = sum(reader.get_watermark_offsets(TopicPartition(topic, each), timeout=10)[1] for each in parts)
    found: list[Any] = []
    until = time.monotonic() + 30
    while len(found) < wanted and time.monotonic() < until:
        found += [each for each in reader.consume(500, 0.2) if each.error() is None]
    reader.close()
    return found


def _wait(done: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if done():
                return
        except Exception as error:
            last: object = error
        else:
            last = "not yet"
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}: {last}")
        time.sleep(0.3)


def _docker(*words: str, check: bool = True, show: bool = False) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=120, check=False)
    if show:
        sys.stderr.write(done.stdout + done.stderr)
    if check and done.returncode:
        raise RuntimeError(f"docker {' '.join(words)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
