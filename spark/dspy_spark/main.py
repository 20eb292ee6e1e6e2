"""``dspy-spark-ctx``: runs the context job until it is told to end."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent_core.errors import AgentError, ClusterError, UsageError
from dspy_agent_core.streams.settings import (
    APPS_VARIABLE,
    BOOTSTRAP_VARIABLE,
    CONFIG_VARIABLE,
    PREFIX_VARIABLE,
    StreamSettings,
    stream_settings,
)
from dspy_spark.health import Health, Progress, serving

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_POLL_SECONDS: Final = 0.5
_DRAIN_SECONDS: Final = 15.0

_EXAMPLES: Final = """\
examples:
  dspy-spark-ctx --bootstrap localhost:9092 --app web --checkpoint /var/lib/ctx --jars jars
  dspy-spark-ctx --bootstrap kafka:9092 --topic-prefix team.shop. --checkpoint /checkpoint --http-port 8646
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    options = _parser(os.environ).parse_args(words)
    try:
        return _run(options)
    except AgentError as error:
        say("error", error.message, code=error.code, next=error.next)
        return error.exit_code


def say(level: str, message: str, **fields: object) -> None:
    """Write one JSON line to stderr."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": time, "level": level, "logger": "spark-ctx", "message": message, **fields})
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dspy-spark-ctx",
        description="Reduces log lines to the few events that matter: logs.raw.* to logs.ctx.*, by Spark.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--bootstrap",
        metavar="HOST:PORT",
        default=env.get(BOOTSTRAP_VARIABLE),
        help=f"the Kafka brokers, with commas between (or {BOOTSTRAP_VARIABLE})",
    )
    add(
        "--topic-prefix",
        metavar="TEXT",
        default=env.get(PREFIX_VARIABLE, ""),
        help=f"put before each topic's name (or {PREFIX_VARIABLE})",
    )
    add(
        "--app",
        metavar="NAME",
        action="append",
        help=f"an app to read, repeatable (or {APPS_VARIABLE}); default: all with the prefix",
    )
    add(
        "--kafka-config",
        metavar="FILE",
        type=Path,
        default=env.get(CONFIG_VARIABLE),
        help=f"client properties, one name=value a line (or {CONFIG_VARIABLE})",
    )
    add(
        "--checkpoint",
        metavar="DIR",
        default=env.get("DSPY_AGENT_CHECKPOINT"),
        help="keeps offsets and open windows, one folder for one job (or DSPY_AGENT_CHECKPOINT)",
    )
    add("--master", metavar="URL", help="where Spark runs (default: local[2], or as spark-submit says)")
    add("--jars", metavar="DIR", help="a folder with the Kafka connector, where Spark does not have it")
    add(
        "--trigger",
        metavar="SECONDS",
        type=float,
        default=1.0,
        help="a micro-batch begins so often (default: 1)",
    )
    add(
        "--max-lines",
        metavar="N",
        type=int,
        default=10_000,
        help="most lines of a micro-batch (default: 10000)",
    )
    add(
        "--http-port",
        metavar="PORT",
        type=int,
        default=env.get("DSPY_AGENT_HTTP_PORT", "0"),
        help="serve /healthz, /readyz and /metrics here (or DSPY_AGENT_HTTP_PORT); 0: don't",
    )
    add("--once", action="store_true", help="read what is there, close the windows, and end")
    return parser


def _run(options: argparse.Namespace) -> int:
    apps = tuple(options.app or os.environ.get(APPS_VARIABLE, "").replace(",", " ").split())
    settings = stream_settings(options.bootstrap, options.topic_prefix, apps, options.kafka_config)
    if not options.checkpoint:
        raise UsageError(
            "No folder for the checkpoint is named.",
            code="NoCheckpoint",
            next="Name one that outlives the job: --checkpoint DIR.",
        )
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    health = Health()
    with serving(health, options.http_port) if options.http_port else nullcontext():
        _stream(options, settings, health, stop)
    say("info", "ended")
    return 0


def _stream(
    options: argparse.Namespace, settings: StreamSettings, health: Health, stop: threading.Event
) -> None:
    from dspy_spark.job import contexts, raw_lines, write
    from dspy_spark.session import check_connector, start_session

    spark = start_session(options.master, options.jars)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        check_connector(spark)
        lines = raw_lines(spark, settings, options.max_lines)
        rows = contexts(lines, settings.topics, once=options.once)
        query = write(rows, settings, options.checkpoint, options.trigger)
        say("info", "started", apps=settings.apps, checkpoint=options.checkpoint, query=str(query.id))
        watch(query, health, stop, options.once)
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise ClusterError(
            f"Spark fails: {_reason(error)}.",
            code="SparkFailed",
            next="See the lines before this one; a new start goes on from the checkpoint.",
        ) from None
    finally:
        with suppress(Py4JError, ConnectionError):  # its JVM may be gone
            spark.stop()


def _reason(error: Exception) -> str:
    """Return the line of ``error`` that says what is wrong: Py4J's own first one does not."""
    lines = [line.strip().removeprefix(": ") for line in str(error).strip().splitlines()]
    said = (line for line in lines if line and not line.startswith("An error occurred while calling"))
    return next(said, type(error).__name__)


def watch(query: StreamingQuery, health: Health, stop: threading.Event, once: bool) -> None:
    """Return when the job should end, or has read all that is there (``once``).

    Raises:
        ClusterError: the query failed; a new start goes on from the checkpoint.
    """
    first = last = -1
    while query.isActive:
        if stop.wait(_POLL_SECONDS):
            _drain(query)
            break
        for batch in _progress(query, last):
            first, last = (batch.batch if first < 0 else first), batch.batch
            health.note(batch)
            # The first batch may be one that was begun before; the next without lines has closed the windows.
            if once and batch.batch > first and not batch.lines:
                stop.set()
    error = query.exception()
    if error is not None:
        raise ClusterError(
            f"The query failed: {_reason(error)}",
            code="QueryFailed",
            next="Start the job again; it goes on from its checkpoint.",
        )


def _drain(query: StreamingQuery) -> None:
    """End the query after its current batch; one that takes too long is done again by the next start."""
    pause = threading.Event()
    for _ in range(int(_DRAIN_SECONDS / 0.05)):
        if not query.isActive or not query.status["isTriggerActive"]:
            break
        pause.wait(0.05)
    query.stop()


def _progress(query: StreamingQuery, after: int) -> list[Progress]:
    """Return what is known of the batches that ended since batch ``after``."""
    found: list[Any] = [batch for batch in query.recentProgress if batch["batchId"] > after]
    return [
        Progress(
            batch["batchId"],
            max(0, batch["sources"][0]["numInputRows"]),
            batch["durationMs"].get("triggerExecution", 0) / 1000,
        )
        for batch in found
    ]


if __name__ == "__main__":
    sys.exit(main())
