"""What a learned step costs until it is on disk, and what kill -9 at random moments loses of it: nothing.

1. Steps: choose an arm, append the event and wait for the disk, learn from it. In turn with a bare append of
   the same bytes to another file, which is the disk's own share. Snapshots are made each 64 events by another
   process, as the trainer beside an agent does. Then the same in memory (/dev/shm): our own share. `cpu` is
   what a step takes of a core, however busy the machine is.
2. Kills of writers: two processes choose, tell, learn and snapshot (each 4 events) in one workspace, and are
   killed -9 after 1 to 300 ms. After each kill: every event that was acknowledged is in the log once, and the
   state that a new reader sees (snapshot and tail), and one that ran on, is that of one fold over the whole
   log, bit for bit.
3. Kills of trainers: `stream trainer` over the real Kafka protocol (librdkafka's mock cluster), killed -9
   after 50 to 800 ms, while events come from the own log and, some of them twice, from another agent. In the
   end each event is in the log once, and on the topic.

Processes are forked from one that has imported all, so that 1000 kills take minutes.

    $ uv run --group dev python benchmarks/bandit_durable.py --kills 1000 --trainer-kills 100
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the mock of a broker lies with the tests

# ruff: noqa: E402
from dspy_agent.learning.event import LOG_NAME, Choice, encode, new_decision_id, new_event
from dspy_agent.learning.log import Reader, append
from dspy_agent.learning.policy_state import Policies, open_policy
from dspy_agent.learning.prior_file import prior_of
from dspy_agent_core.bandit.learner import Learner
from dspy_agent_core.bandit.policies import policy, unit

RESULTS: Final = Path(__file__).parent / "results" / "bandit-durable.json"
SNAPSHOT_EACH: Final = 4
TRAINER_SNAPSHOT_EACH: Final = 64
GREEDY: Final = policy("greedy")


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def workspace_at(folder: Path) -> Path:
    """Make a workspace that was indexed."""
    (folder / ".dspy_index").mkdir(parents=True)
    return folder


def context_of(names: tuple[str, ...], dice: random.Random) -> dict[str, float]:
    """Return a context as they come: half of the features."""
    return {name: dice.random() for name in names[1:] if dice.random() < 0.5}


def decided(workspace: Path, policies: Policies, features: dict[str, float]) -> dict[str, Any]:
    """Choose, and return the event of it."""
    arms, id = policies.learner.arms, new_decision_id()
    made = GREEDY.choose(arms, arms.vector(features), arms.mask(arms.arms), unit(id))
    choice = Choice(id, arms.arms[made.arm], "0011223344556677", (GREEDY.name, GREEDY.version))
    event = new_event(
        choice, {"hits": 3}, id=id, workspace=workspace, source="cli", cost_ms=12.5, features=features,
        propensity=float(made.propensities[made.arm]),
    )  # fmt: skip
    return {**event, "reward": 0.25}


# 1. Steps


def measure_steps(count: int, place: Path) -> dict[str, Any]:
    """Return how long each part of a step takes, with all files below ``place``."""
    folder = Path(tempfile.mkdtemp(prefix="durable-", dir=place))
    try:
        workspace = workspace_at(folder / "shop")
        policies, dice = open_policy(workspace), random.Random(1)
        names, bare = policies.learner.arms.names, folder / "bare"
        keeper = forked(lambda: keep_state(workspace))
        spans: dict[str, list[float]] = {
            name: [] for name in ("act", "append", "learn", "step", "bare", "cpu")
        }
        for number in range(count + 50):
            features = context_of(names, dice)
            start, cpu = time.perf_counter(), time.thread_time()
            event = decided(workspace, policies, features)
            acted = time.perf_counter()
            append(workspace / LOG_NAME, [encode(event)])
            written = time.perf_counter()
            learner = policies.learner
            learned, cpu = time.perf_counter(), time.thread_time() - cpu
            bare_append(bare, encode(event))
            end = time.perf_counter()
            if number >= 50:
                for name, span in zip(
                    spans,
                    (
                        acted - start,
                        written - acted,
                        learned - written,
                        learned - start,
                        end - learned,
                        cpu,
                    ),
                    strict=True,
                ):
                    spans[name].append(span)
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)
        return {
            "steps": count,
            "load": os.getloadavg()[0],
            "arms": len(learner.arms.arms),
            "features": len(names),
            "ms": {name: quantiles(found) for name, found in spans.items()},
        }
    finally:
        shutil.rmtree(folder)


def keep_state(workspace: Path) -> None:
    """Snapshot as the trainer does, until it is killed."""
    policies = open_policy(workspace)
    while True:
        if policies.learner and policies.unsaved >= TRAINER_SNAPSHOT_EACH:
            policies.save()
        time.sleep(0.05)


def bare_append(path: Path, line: bytes) -> None:
    """Put ``line`` on the disk, and no more."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, line + b"\n")
    os.fsync(file)
    os.close(file)


def quantiles(spans: list[float]) -> dict[str, float]:
    """Return quantiles in milliseconds."""
    cuts = statistics.quantiles(spans, n=1000)
    at = {"p50": cuts[499], "p90": cuts[899], "p99": cuts[989], "p99.9": cuts[998], "max": max(spans)}
    return {name: round(value * 1e3, 3) for name, value in at.items()}


# 2. Kills of writers


def kill_writers(kills: int, seed: int) -> dict[str, Any]:
    """Kill pairs of writers and compare."""
    folder = Path(tempfile.mkdtemp(prefix="durable-", dir=ROOT))
    dice = random.Random(seed)
    found: Counter[str] = Counter()
    try:
        workspace = workspace_at(folder / "shop")
        fold, reader = Learner.fresh(prior_of(workspace, say)), Reader(workspace / LOG_NAME)
        policies, seen = open_policy(workspace, say), set[str]()
        for round in range(kills):
            writers = [writer(workspace, policies, seed + 2 * round + number) for number in range(2)]
            time.sleep(dice.uniform(0.001, 0.300))
            acknowledged = [told for process, pipe in writers for told in killed(process, pipe)]
            new = list(reader)
            for event in new:
                found["twice in the log"] += event.id in seen
                seen.add(event.id)
                fold.apply(event)
            found["acknowledged"] += len(acknowledged)
            found["lost"] += len(set(acknowledged) - seen)
            found["not acknowledged, but told"] += len(new) - len(acknowledged)
            found["other states"] += policies.learner.encode() != fold.encode()
            found["other states"] += open_policy(workspace, say).learner.encode() != fold.encode()
            found["events"] += len(new)
            if round % 100 == 99:
                say(f"{round + 1} kills: {dict(found)}")
        found["counted twice or lost"] = abs(fold.decisions - len(seen))
        found["torn lines"] = reader.passed_over.total()
        return {"kills": 2 * kills, "seed": seed, "load": os.getloadavg()[0], **found}
    finally:
        shutil.rmtree(folder)


def writer(workspace: Path, policies: Policies, seed: int) -> tuple[int, int]:
    """Start one that goes on from ``policies`` and tells ids of events in a pipe; return process and pipe."""
    reading, writing = os.pipe()

    def work() -> None:
        dice = random.Random(seed)
        names = policies.learner.arms.names
        for number in range(1_000_000):
            event = decided(workspace, policies, context_of(names, dice))
            append(workspace / LOG_NAME, [encode(event)])
            os.write(writing, event["id"].encode() + b"\n")
            if number % SNAPSHOT_EACH == SNAPSHOT_EACH - 1:
                policies.save()

    process = forked(work)
    os.close(writing)
    return process, reading


def killed(process: int, pipe: int) -> list[str]:
    """Kill the writer, and return what it acknowledged."""
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with os.fdopen(pipe, "rb") as told:
        return [line.decode().strip() for line in told if line.endswith(b"\n")]


def forked(work: Callable[[], None]) -> int:
    """Return the process that does ``work``."""
    process = os.fork()
    if process == 0:
        try:
            work()
        finally:
            os._exit(1)
    return process


# 3. Kills of trainers


def kill_trainers(kills: int, seed: int) -> dict[str, Any]:
    """Kill one trainer after the other and compare."""
    from tests.support.kafka import mock_cluster, read_topic, write

    dice = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="durable-", dir=ROOT))
    try:
        workspace = workspace_at(folder / "shop")
        policies = open_policy(workspace)
        names, own, others = policies.learner.arms.names, set[str](), set[str]()
        with mock_cluster() as broker:
            broker.create("agent.learning")
            for round in range(kills + 1):
                process = forked(partial(train, workspace, broker, once=round == kills))
                until = time.monotonic() + dice.uniform(0.05, 0.8)
                while time.monotonic() < until and round < kills:
                    event = decided(workspace, policies, context_of(names, dice))
                    append(workspace / LOG_NAME, [encode(event)])
                    own.add(event["id"])
                    foreign = encode(decided(workspace, policies, context_of(names, dice)))
                    write(
                        broker,
                        "agent.learning",
                        *[foreign] * dice.choice((1, 1, 2)),
                        partition=dice.randrange(4),
                    )
                    others.add(json.loads(foreign)["id"])
                if round < kills:
                    os.kill(process, signal.SIGKILL)
                status = os.waitpid(process, 0)[1]
                if round % 20 == 19:
                    say(f"{round + 1} kills: {len(own)} own events, {len(others)} of another agent")
            sent = Counter(
                json.loads(record.value())["id"] for record in read_topic(broker, "agent.learning", 300)
            )
        told = Counter(event.id for event in Reader(workspace / LOG_NAME))
        fold = Learner.fresh(prior_of(workspace, say))
        for event in Reader(workspace / LOG_NAME):
            fold.apply(event)
        return {
            "kills": kills,
            "seed": seed,
            "load": os.getloadavg()[0],
            "last run ended with": status,
            "own events": len(own),
            "of another agent": len(others),
            "lost": len((own | others) - set(told)) + len(own - set(sent)),
            "twice in the log": sum(count - 1 for count in told.values()),
            "own sent more than once": sum(sent[id] > 1 for id in own),
            "other states": int(open_policy(workspace).learner.encode() != fold.encode()),
        }
    finally:
        shutil.rmtree(folder)


def train(workspace: Path, broker: str, *, once: bool) -> None:
    """Run a trainer, quietly."""
    from dspy_agent.streams.program import Program
    from dspy_agent.streams.trainer import Trainer
    from tests.support.kafka import settings

    made = settings(str(broker))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with Program("stream-trainer", made) as program:
        Trainer(program, made, workspace, workspace / ".dspy_index", steps=SNAPSHOT_EACH, once=once).run()
    os._exit(0)


def main() -> None:
    """Measure what is asked for (0: as it was measured before), write the raw numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=1000, help="of writers")
    parser.add_argument("--trainer-kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261127)
    arguments = parser.parse_args()
    facts: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    facts["python"] = platform.python_version()
    if arguments.steps:
        facts["steps"] = {
            "on disk": measure_steps(arguments.steps, ROOT),
            "in memory": measure_steps(arguments.steps, Path("/dev/shm")),
        }
    if arguments.kills:
        facts["writers"] = kill_writers(arguments.kills // 2, arguments.seed)
    if arguments.trainer_kills:
        facts["trainers"] = kill_trainers(arguments.trainer_kills, arguments.seed)
    print(json.dumps(facts, indent=1))
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
