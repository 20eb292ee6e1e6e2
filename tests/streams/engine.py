"""The light engine as a real process, and what must be true of what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.kafka import read_topic

PROGRAM = [sys.executable, "-c", "from dspy_agent.cli.main import main; main()", "stream", "ctx"]
# A killed member is forgotten soon; heartbeats as in production would be too slow for tests.
PROPERTIES = "session.timeout.ms=1500\nheartbeat.interval.ms=300\n"


def command(bootstrap: str, folder: Path, *words: str) -> list[str]:
    """Return the command of one consumer."""
    file = folder / "kafka.properties"
    file.write_text(PROPERTIES)
    return [*PROGRAM, "--bootstrap", bootstrap, "--kafka-config", str(file), *words]


@contextmanager
def consumer(
    bootstrap: str, folder: Path, *words: str, log: str = "log"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one consumer; it is killed at the end if it still runs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DSPY_AGENT_", "KAFKA_"))}
    with (
        (folder / log).open("ab") as said,
        subprocess.Popen(command(bootstrap, folder, *words), stdout=said, stderr=said, env=kept) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def contexts(bootstrap: str, app: str) -> dict[bytes, bytes]:
    """Return what ``logs.ctx.<app>`` holds; an id that came again must have the same bytes."""
    found: dict[bytes, bytes] = {}
    for record in read_topic(bootstrap, f"logs.ctx.{app}"):
        assert found.setdefault(record.key(), record.value()) == record.value(), record.key()
    return found


def assert_tiled(found: dict[bytes, bytes], ends: dict[int, int]) -> None:
    """Every offset below the end of each partition is told of in exactly one context."""
    spans = defaultdict(list)
    for value in found.values():
        said = json.loads(value)
        spans[said["partition"]].append((said["first_offset"], said["last_offset"], said["lines_read"]))
    assert spans.keys() == {number for number, end in ends.items() if end}
    for number, mine in spans.items():
        mine.sort()
        expected = 0
        for first, last, lines in mine:
            assert (first, lines) == (expected, last - first + 1), (number, mine)
            expected = last + 1
        assert expected == ends[number], (number, mine)
