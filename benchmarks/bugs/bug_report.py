"""A plugin of pytest: one JSON line for each test, with the worst that came of it. Standard library only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_RANK = {"passed": 0, "skipped": 0, "failed": 1}
_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: Any) -> None:
    """Note what came of a phase of a test."""
    now = "failed" if report.outcome == "failed" else report.outcome
    if _RANK.get(now, 0) >= _RANK.get(_outcomes.get(report.nodeid, "passed"), 0):
        _outcomes[report.nodeid] = now


def pytest_collectreport(report: Any) -> None:
    """Note a file that cannot be collected, as a test of its own."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"


def pytest_sessionfinish() -> None:
    """Write what came of the tests."""
    Path(os.environ["BUG_REPORT"]).write_text(json.dumps(_outcomes), encoding="utf-8")
