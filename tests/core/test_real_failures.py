"""Real crashes of real programs, alone and behind the prefixes of carriers: nothing of them is lost."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs import Reducer
from tests.core.programs import FAILURES, Failure, output_of

CARRIERS = {
    "bare": "{}",
    "compose": "web-1  | {}",
    "CRI": "2026-11-23T10:00:02.123456789Z stderr F {}",
    "docker timestamps": "2026-11-23T10:00:02.123456789Z {}",
    "syslog": "Nov 23 10:00:07 host app[12]: {}",
    "kubectl": "[pod/web-6f7/app] {}",
}
NOISE = [
    "2026-11-23 10:00:00,001 INFO app.main - GET /healthz 200",
    '10.0.0.1 - - [23/Nov/2026:10:00:05 +0000] "GET / HTTP/1.1" 200 2',
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    @cache
    def once(name: str) -> tuple[str, str]:
        failure = next(f for f in FAILURES if f.name == name)
        return output_of(failure, Path(tmp_path_factory.mktemp("program")))

    return once


def reduce(lines: list[str]) -> list[LogEvent]:
    reducer = Reducer()
    reducer.feed(lines, at=1_795_000_000.0)
    return reducer.result().events


def expect(failure: Failure, events: list[LogEvent], path: str, *, first_line_only: bool = False) -> None:
    found = [event for event in events if event.type == failure.type]
    assert found, [(event.type, event.message) for event in events]
    event = found[-1]
    message = failure.message.partition("\n")[0] if first_line_only else failure.message
    assert (event.message.partition("\n")[0] if first_line_only else event.message) == message
    assert event.frame is not None
    assert event.frame.path.endswith(failure.frame[0])
    assert (event.frame.line, event.frame.function) == failure.frame[1:]
    assert tuple(event.cause or ()) == tuple(cause.format(path=path) for cause in failure.causes)
    assert event.level in ("error", "critical")


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: f.name)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_crash_is_told_behind_any_carrier(run, failure, carrier):
    output, path = run(failure.name)
    expect(failure, reduce([CARRIERS[carrier].format(line) for line in output.split("\n")]), path)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: f.name)
def test_a_crash_is_told_once_and_not_in_pieces(run, failure):
    output, _ = run(failure.name)
    events = reduce(output.split("\n"))
    traces = [event for event in events if event.frame is not None and event.level != "warning"]
    assert len(traces) == 1


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: f.name)
def test_a_crash_survives_lines_of_other_threads_in_its_middle(run, failure):
    output, path = run(failure.name)
    if (
        failure.file.endswith((".js", ".rs"))
        or "\n" in failure.message + "".join(failure.causes)
        or failure.name in ("group", "pytest")
    ):
        pytest.skip("has parts that only their place tells from other lines")
    lines = output.split("\n")
    torn = [piece for number, line in enumerate(lines) for piece in (NOISE[number % 2], line)]
    expect(failure, reduce(torn), path, first_line_only=True)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: f.name)
def test_two_services_that_crash_at_once_are_told_apart(run, failure):
    output, path = run(failure.name)
    other, _ = run("plain")
    ours, theirs = output.split("\n"), other.split("\n")
    mixed = []
    for number in range(max(len(ours), len(theirs))):
        mixed += [f"a-1 | {ours[number]}"] if number < len(ours) else []
        mixed += [f"b-1 | {theirs[number]}"] if number < len(theirs) else []
    events = reduce(mixed)
    expect(failure, [e for e in events if e.frame and e.frame.path.endswith(failure.frame[0])], path)
    assert any(event.type == "ZeroDivisionError" for event in events)


def test_equal_crashes_are_counted_and_the_newest_comes_first(run):
    plain, node = run("plain")[0].split("\n"), run("node")[0].split("\n")
    events = reduce([*plain, *node, *plain, *plain])
    assert [(event.type, event.count) for event in events] == [("ZeroDivisionError", 3), ("TypeError", 1)]
