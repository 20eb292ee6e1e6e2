"""Processes that read source files and make segments of them, beside this one.

They are plain children on a socket rather than ``multiprocessing``'s: those run the program's main module
again, and outlive a parent that is killed. A child ends when its parent does, does not hear Ctrl-C, and may
die (out of memory, a parser's crash) without harm: its files are read again in ever smaller parts.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from socket import socketpair
from typing import Final

from dspy_agent.index.extract import Extracted, extract

Batch = Sequence[tuple[str, int]]
MOST: Final = 8
_START: Final = """
import sys
from multiprocessing.connection import Connection
link = Connection(int(sys.argv[1]))
sys.path[:] = link.recv()
from dspy_agent.index.workers import serve
serve(link)
"""


class Lost(Exception):
    """A worker is gone, and what it was at with it."""


class _Worker:
    def __init__(self) -> None:
        if not sys.executable:
            raise FileNotFoundError("there is no interpreter to run")  # embedded
        ours, theirs = socketpair()
        with ours, theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self.link = Connection(ours.detach())
        self.batch: Batch | None = None
        self.is_ready = False
        self._send(sys.path)

    def give(self, workspace: str, batch: Batch, *, plain: bool = False) -> None:
        self.batch = batch
        self._send((workspace, batch, plain))

    def _send(self, message: object) -> None:
        with suppress(OSError):  # it is gone, which the next ``receive`` tells
            self.link.send(message)

    def receive(self) -> Extracted | None:
        """Return what it found, or None where it only says that it is ready.

        Raises:
            Lost: the process ended.
        """
        try:
            found: Extracted | None = self.link.recv()
        except (EOFError, OSError):
            raise Lost from None
        self.is_ready = True
        return found

    def stop(self) -> None:
        self.link.close()
        self._process.kill()
        self._process.wait()


def serve(link: Connection) -> None:
    """Answer batches until the parent is gone."""
    gc.disable()  # syntax trees have no cycles, and looking for some costs a sixth of the time
    try:
        link.send(None)
        while True:
            workspace, batch, plain = link.recv()
            link.send(extract(workspace, batch, plain=plain))
    except (EOFError, OSError):
        return


def extract_with_workers(workspace: str, batches: Sequence[Batch], count: int) -> Iterator[Extracted]:
    """Yield the segments of ``batches``, in the order in which ``count`` processes are through with them."""
    waiting = deque(batches)
    lost: list[Batch] = []
    started = False
    team: list[_Worker] = []
    try:
        with suppress(OSError):  # no more processes, or no such program: with those that are there
            for _ in range(min(count, len(batches))):
                team.append(_Worker())
        while team and (waiting or any(worker.batch is not None for worker in team)):
            for worker in _told(team):
                done = worker.batch
                try:
                    found = worker.receive()
                except Lost:
                    team.remove(worker)
                    worker.stop()
                    lost += [done] if done is not None else []
                    continue
                started = True
                worker.batch = None
                if waiting:
                    worker.give(workspace, waiting.popleft())
                if found is not None:
                    yield found
    finally:
        for worker in team:
            worker.stop()
    for batch in (*lost, *waiting):
        yield from _carefully(workspace, batch) if started else [extract(workspace, batch)]


def _told(team: Sequence[_Worker]) -> list[_Worker]:
    """Return those that have something to say, and wait until there is one."""
    links = wait([worker.link for worker in team if worker.batch is not None or not worker.is_ready])
    return [worker for worker in team if worker.link in links]


def _carefully(workspace: str, batch: Batch) -> Iterator[Extracted]:
    """Yield the segments of a batch that a worker did not survive, the file at fault as plain text."""
    try:
        yield _alone(workspace, batch)
    except Lost:
        if len(batch) > 1:
            half = len(batch) // 2
            yield from _carefully(workspace, batch[:half])
            yield from _carefully(workspace, batch[half:])
            return
        try:
            yield _alone(workspace, batch, plain=True)
        except Lost:
            yield Extracted({}, left_out={path: 1 for path, _ in batch})


def _alone(workspace: str, batch: Batch, *, plain: bool = False) -> Extracted:
    try:
        worker = _Worker()
    except OSError:
        raise Lost from None
    try:
        worker.receive()
        worker.give(workspace, batch, plain=plain)
        found = worker.receive()
        assert found is not None  # noqa: S101
        return found
    finally:
        worker.stop()


def usable_cpus() -> int:
    """Return how many processors this process may keep busy: fewer than there are in most containers."""
    try:
        count = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        count = os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass
    return count
