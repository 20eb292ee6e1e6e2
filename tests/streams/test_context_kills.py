"""Killed at random moments while lines come in: nothing is lost, nothing comes twice with other bytes."""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.streams.engine import assert_tiled, consumer, contexts
from tests.streams.golden import golden_records
from tests.support.kafka import PARTITIONS, mock_cluster

ROUNDS = 20


class Shipper(threading.Thread):
    """Writes lines at an uneven pace until it is told to stop; ``written`` counts them by partition."""

    def __init__(self, bootstrap: str, seed: int) -> None:
        super().__init__()
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "log_level": 0})
        self._dice = random.Random(seed)
        self._enough = threading.Event()
        self._lines = [json.loads(r.value)["line"] for r in golden_records() if b'"source"' in r.value]
        self._place = 0
        self.written: Counter[int] = Counter()

    def run(self) -> None:
        while not self._enough.wait(self._dice.choice((0.0, 0.001, 0.01, 0.05, 0.2))):
            self._write(self._dice.randrange(PARTITIONS), self._dice.randrange(1, 20))

    def _write(self, partition: int, count: int) -> None:
        for _ in range(count):
            self._place = (self._place + 1) % len(self._lines)
            value = json.dumps({"line": self._lines[self._place], "source": f"pod-{partition}"})
            self._producer.produce(
                "logs.raw.web", value, partition=partition, timestamp=int(time.time() * 1000)
            )
            self.written[partition] += 1
        self._producer.poll(0)

    def finish(self) -> None:
        """Stop, but for some last lines that no killed consumer can have seen."""
        self._enough.set()
        self.join()
        for partition in range(PARTITIONS):
            self._write(partition, 20)
        assert self._producer.flush(20) == 0


@pytest.mark.timeout(400)
def test_killed_at_random_moments(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    with mock_cluster() as bootstrap:
        bootstrap.create("logs.raw.web")
        shipper = Shipper(bootstrap, seed)
        shipper.start()
        try:
            for number in range(ROUNDS):
                with consumer(bootstrap, tmp_path, "--app", "web") as process:
                    # From before it has joined to well within its work, which begins after about 2 s.
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(dice.uniform(0.5, 4 if number % 2 else 5.5))
                    assert process.poll() is None, (tmp_path / "log").read_text()
        finally:
            shipper.finish()
        before = len(contexts(bootstrap, "web"))
        with consumer(bootstrap, tmp_path, "--app", "web", "--once") as process:
            assert process.wait(100) == 0, (tmp_path / "log").read_text()
        found = contexts(bootstrap, "web")
        assert 0 < before < len(found), f"the rounds sent nothing; seed {seed}"
        assert_tiled(found, dict(shipper.written))
