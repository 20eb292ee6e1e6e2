# ruff: noqa: E501  (log lines stand as they are written)
"""What carries log lines to a reader, what other lines they lie among, and how writers interleave."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)


def _nanos(number: int) -> str:
    moment = _START + timedelta(microseconds=1371 * number)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}{number % 1000:03}Z"


def _docker_json(line: str, number: int) -> str:
    return json.dumps({"log": f"{line}\n", "stream": "stderr", "time": _nanos(number)})


def _cri(line: str, number: int) -> str:
    if len(line) > 60 and line.isascii():  # containerd cuts long lines
        return f"{_nanos(number)} stderr P {line[:50]}\n{_nanos(number)} stderr F {line[50:]}"
    return f"{_nanos(number)} stderr F {line}"


def _journal(line: str, number: int) -> str:
    micros = int(_START.timestamp() * 1e6) + number
    return json.dumps(
        {
            "__REALTIME_TIMESTAMP": str(micros),
            "PRIORITY": "6",
            "_SYSTEMD_UNIT": "shop.service",
            "MESSAGE": line,
        }
    )


def _syslog(line: str, number: int) -> str:
    tabs = len(line) - len(line.lstrip("\t"))
    return f"Nov 23 10:00:{number % 60:02} host app[12]: {'#011' * tabs}{line[tabs:]}"


CARRIERS: dict[str, Callable[[str, int], str]] = {
    "bare": lambda line, number: line,
    "CRLF": lambda line, number: f"{line}\r",
    "CRI": _cri,
    "docker json-file": _docker_json,
    "docker timestamps": lambda line, number: f"{_nanos(number)} {line}",
    "compose": lambda line, number: f"web-1  | {line}",
    "old compose": lambda line, number: f"shop_web_1  | {line}",
    "kubectl prefix": lambda line, number: f"[pod/web-6f7d9c8b5f-x2x4z/app] {line}",
    "kubectl prefix and timestamps": lambda line, number: f"[pod/web-6f7/app] {_nanos(number)} {line}",
    "stern": lambda line, number: f"web-7d9c8b5f6d-x2x4z app {line}",
    "syslog": _syslog,
    "syslog RFC 5424": lambda line, number: f"<11>1 {_nanos(number)} host app 12 - - {line}",
    "journald json": _journal,
    "Heroku": lambda line, number: f"2026-11-23T10:00:02.{number % 1_000_000:06}+00:00 app[web.1]: {line}",
    "GitHub Actions": lambda line, number: f"{_nanos(number)[:-3]}Z {line}",
    "coloured": lambda line, number: f"\x1b[31m{line}\x1b[0m" if line else line,
}


def carried(lines: list[str], carrier: str) -> list[str]:
    """Return ``lines`` as ``carrier`` writes them (it may cut long ones)."""
    wrap = CARRIERS[carrier]
    return [piece for number, line in enumerate(lines) for piece in wrap(line, number).split("\n")]


def noise(numbers: random.Random) -> Iterator[str]:
    """Yield lines that tell of nothing: requests, probes, retries, progress, ticks."""
    while True:
        number, second = numbers.randrange(10**6), numbers.randrange(60)
        stamp = f"2026-11-23 10:00:{second:02},{number % 1000:03}"
        yield numbers.choice(
            [
                f"{stamp} INFO app.main - handled request {number} in {number % 300} ms",
                f'10.0.0.{number % 250} - - [23/Nov/2026:10:00:{second:02} +0000] "GET /orders/{number} HTTP/1.1" 200 {number}',
                f'10.0.0.1 - - [23/Nov/2026:10:00:{second:02} +0000] "GET /healthz HTTP/1.1" 200 2 "-" "kube-probe/1.34"',
                f'{{"level":"info","ts":17640000{second:02}.1,"logger":"shop","msg":"tick","took":{number}}}',
                f"I1123 10:00:{second:02}.123456       1 sync.go:138] synced {number} objects",
                f'time="2026-11-23T10:00:{second:02}Z" level=info msg="cache is warm" entries={number}',
                f"{stamp} DEBUG app.cache - miss for key user:{number}",
                f"2026-11-23T10:00:{second:02}.{number:06}Z  INFO 1 --- [main] shop.Orders : listed {number} orders",
                f"{stamp} WARNING app.client - attempt {number % 3 + 1} of 3 timed out, retrying in {number % 9 + 1} s",
            ]
        )


def torn(lines: list[str], numbers: random.Random) -> list[str]:
    """Return ``lines`` with a line of another thread between each two."""
    between = noise(numbers)
    return [piece for line in lines for piece in (line, next(between))]
