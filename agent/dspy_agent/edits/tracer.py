"""A pytest plugin that counts which lines of the project failing and passing tests run.

It is copied beside the project's tests and run by the project's own interpreter: standard library and pytest
only, and a syntax that old versions know. What it saw goes to the file DSPY_AGENT_TRACE_OUT as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = os.path.realpath(os.environ["DSPY_AGENT_TRACE_ROOT"]) + os.sep
OUT = os.environ["DSPY_AGENT_TRACE_OUT"]
FIRST = frozenset(filter(None, os.environ.get("DSPY_AGENT_TRACE_FIRST", "").split("\n")))
DEADLINE = time.monotonic() + float(os.environ["DSPY_AGENT_TRACE_SECONDS"])
FOREIGN = (os.sep + "site-packages" + os.sep, os.sep + ".venv" + os.sep, os.sep + "venv" + os.sep)
LINES = os.environ.get("DSPY_AGENT_TRACE_LINES") != "0"
LONGEST = 15.0  # seconds of one test
MOST_TEXT = 6000
MOST_FAILURES = 20
MOST_RECENT = 12


class Watch:
    """Takes note of the lines that run, of files below ROOT."""

    def __init__(self) -> None:
        self.lines: dict[str, set[int]] = {}
        self._calls: dict[Any, None] = {}
        self._local: dict[Any, Any] = {}
        self._ours: dict[str, str | None] = {}
        self._before: Any = sys.gettrace()

    def start(self) -> None:
        """Watch from here on, with nothing seen yet."""
        self.lines, self._calls, self._local = {}, {}, {}
        self._before = sys.gettrace()
        threading.settrace(self._call)
        sys.settrace(self._call)

    def stop(self) -> None:
        """Watch no more."""
        sys.settrace(self._before)
        threading.settrace(self._before)

    def _call(self, frame: Any, event: str, arg: Any) -> Any:
        code = frame.f_code
        local = self._local.get(code)
        if local is None:
            path = self.path(code.co_filename)
            local = self._local[code] = self._recorder(path) if path else False
        if not local:
            return None
        self._calls.pop(code, None)
        self._calls[code] = None
        return local

    def recent(self) -> list[list[Any]]:
        """Return [path, first line] of the functions that were called last, the last one first."""
        codes = list(self._calls)[: -MOST_RECENT - 1 : -1]
        return [[self.path(code.co_filename), code.co_firstlineno] for code in codes]

    def _recorder(self, path: str) -> Any:
        add = self.lines.setdefault(path, set()).add

        def record(frame: Any, event: str, arg: Any) -> Any:
            if event == "line":
                add(frame.f_lineno)
            return record

        return record

    def path(self, name: str) -> str | None:
        """Return a file's path below ROOT; None for other files."""
        if name not in self._ours:
            whole = os.path.realpath(name) if name.endswith(".py") else ""
            inside = whole.startswith(ROOT) and not any(part in whole for part in FOREIGN)
            self._ours[name] = whole[len(ROOT) :] if inside else None
        return self._ours[name]


class State:
    """What was seen so far."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[int, list[int]]] = {}
        self.outcomes: dict[str, str] = {}
        self.failures: dict[str, Any] = {}
        self.errors: list[Any] = []

    def count(self, lines: dict[str, set[int]], failed: bool) -> None:
        """Count what one test ran."""
        for path, numbers in lines.items():
            counted = self.counts.setdefault(path, {})
            for number in numbers:
                counted.setdefault(number, [0, 0])[0 if failed else 1] += 1

    def write(self) -> None:
        """Put it all in the file."""
        found = {
            "counts": self.counts,
            "outcomes": self.outcomes,
            "failures": self.failures,
            "errors": self.errors,
        }
        new = Path(OUT + ".new")
        new.write_text(json.dumps(found), encoding="utf-8")
        new.replace(OUT)


watch = Watch()
state = State()


def pytest_cmdline_main(config: Any) -> None:
    """Keep to one process: what runs in others is not seen."""
    option = config.option
    if hasattr(option, "numprocesses"):
        option.numprocesses, option.dist, option.tx = 0, "no", []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: Any) -> None:
    """Run what is expected to fail first: time may be short."""
    items.sort(key=lambda item: item.nodeid not in FIRST and item.nodeid.partition("[")[0] not in FIRST)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: Any) -> Any:
    """Watch a test, with its fixtures; one that does not end ends all."""
    timer = threading.Timer(min(LONGEST, DEADLINE + 2 - time.monotonic()), give_up, [item.nodeid])
    timer.daemon = True
    timer.start()
    if LINES:
        watch.start()
    try:
        yield
    finally:
        timer.cancel()
        watch.stop()
    outcome = state.outcomes.get(item.nodeid)
    if outcome in ("failed", "passed"):
        state.count(watch.lines, outcome == "failed")
    if outcome == "failed":
        state.write()
    if time.monotonic() > DEADLINE:
        item.session.shouldstop = "out of time"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Take note of the outcome, and of where a failure came from."""
    result = yield
    report = result.get_result()
    known = state.outcomes.get(item.nodeid)
    if report.outcome == "failed":
        state.outcomes[item.nodeid] = "failed"
        if item.nodeid not in state.failures and len(state.failures) < MOST_FAILURES:
            state.failures[item.nodeid] = {
                "text": str(report.longrepr)[-MOST_TEXT:],
                "frames": frames(call.excinfo),
                "recent": watch.recent(),
            }
    elif known != "failed" and (report.when == "call" or report.outcome == "skipped"):
        state.outcomes[item.nodeid] = report.outcome


def frames(excinfo: Any) -> list[list[Any]]:
    """Return [path, line] of each frame in a file of ours, outermost first; of the causes before."""
    found: list[list[Any]] = []
    error = excinfo.value if excinfo else None
    for _ in range(5):
        if error is None:
            break
        places, trace = [], error.__traceback__
        while trace is not None:
            path = watch.path(trace.tb_frame.f_code.co_filename)
            if path:
                places.append([path, trace.tb_lineno])
            trace = trace.tb_next
        found = places + found
        error = error.__cause__ or error.__context__
    return found[-50:]


def give_up(test: str) -> None:
    """Leave what was seen so far, with ``test`` as failed, and end. Runs in a thread of its own."""
    places: list[list[Any]] = []
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        path = watch.path(frame.f_code.co_filename)
        if path:
            places.insert(0, [path, frame.f_lineno])
        frame = frame.f_back
    for _ in range(100):  # the test still runs: what is read may change
        try:
            lines = {path: set(numbers) for path, numbers in list(watch.lines.items())}
            recent = watch.recent()
            break
        except RuntimeError:
            lines, recent = {}, []
    state.outcomes[test] = "failed"
    state.failures[test] = {"text": f"{test} does not end.", "frames": places[-50:], "recent": recent}
    state.count(lines, failed=True)
    state.write()
    os._exit(1)


def pytest_collectreport(report: Any) -> None:
    """Take note of a file that can't even be imported."""
    if report.failed:
        state.errors.append({"id": report.nodeid, "text": str(report.longrepr)[-MOST_TEXT:]})


def pytest_sessionfinish() -> None:
    """Leave what was seen."""
    state.write()
