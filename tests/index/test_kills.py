"""A build that is killed at any moment leaves an index that the next process goes on from."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.index.kit import PROGRAM, assert_current, environment, found_paths, opened, report, wait_until

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("how", ["before", "after", "half"])
def test_killed_at_each_write(tmp_path: Path, how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.index.kills", str(tmp_path), how],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) > 30
    for left, read, files in results:
        assert left + read >= files
    built = [result for result in results if result[2] == 12 and result[0] <= 12]
    assert any(0 < left < 12 and read == 12 - left for left, read, _ in built)  # resumed, not begun anew


def big_tree(root: Path, files: int = 1500) -> None:
    for number in range(files):
        path = root / f"p{number % 20}" / f"m{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"def alpha_{number}(x):\n    return beta(x)\n\n\n" + "# a line of comment\n" * 25)


def workers_of(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(path.parent.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_worker_outlives_a_build(tmp_path: Path, sent: signal.Signals) -> None:
    big_tree(tmp_path, 6000)  # enough to be read by workers
    build = subprocess.Popen(
        [*PROGRAM, "index"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    workers: list[int] = []

    def are_there() -> bool:
        workers[:] = workers_of(build.pid)
        return len(workers) > 1 or build.poll() is not None

    wait_until(are_there)
    assert len(workers) > 1
    build.send_signal(sent)
    output, errors = build.communicate()
    assert build.returncode == (130 if sent == signal.SIGINT else -sent), errors
    assert output == ""
    assert "Traceback" not in errors
    wait_until(lambda: not any(map(is_running, workers)))
    assert found_paths("alpha_77", tmp_path)[0] == "p17/m77.py"


def test_killed_at_random(tmp_path: Path) -> None:
    big_tree(tmp_path, 400)
    chance = random.Random(7)
    for _ in range(3):
        for number in range(0, 400, 50):
            (tmp_path / f"p{number % 20}" / f"m{number}.py").write_text(
                f"def gamma_{chance.random()}(): pass\n"
            )
        build = subprocess.Popen([*PROGRAM, "index"], cwd=tmp_path, env=environment(), stdout=-3, stderr=-3)
        try:
            build.wait(timeout=chance.uniform(0.2, 2.5))
        except subprocess.TimeoutExpired:
            build.kill()
            build.wait()
        index = opened(tmp_path)
        index.update()
        assert index.notes == []
        assert_current(index, ("gamma", "alpha_77"))
    assert "notes" not in report("index", cwd=tmp_path)
