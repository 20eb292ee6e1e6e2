"""What tests said: from a JUnit report where the runner writes one, else from what it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

MAX_REPORT_BYTES: Final = 32 << 20
PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"

_GO: Final = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)
_CARGO: Final = re.compile(r"^test (\S+) \.\.\. (ok|FAILED|ignored)$", re.MULTILINE)
_TAP: Final = re.compile(r"^\s*(not ok|ok) \d+ -? ?(.+?)(?: # (SKIP|TODO).*)?$", re.MULTILINE)
_MARKED: Final = re.compile(r"^\s*([✓✔√✕✖×]) (.+?)(?: \(\d+(?:\.\d+)? ?m?s\))?$", re.MULTILINE)
_UNITTEST: Final = re.compile(r"^(\w+ \([\w.]+\))(?:\n.*)? \.\.\. (ok|FAIL|ERROR|skipped.*)$", re.MULTILINE)
_WORDS: Final = {
    "PASS": PASSED,
    "ok": PASSED,
    "FAIL": FAILED,
    "FAILED": FAILED,
    "ERROR": FAILED,
    "not ok": FAILED,
    "SKIP": SKIPPED,
    "ignored": SKIPPED,
    **dict.fromkeys("✓✔√", PASSED),
    **dict.fromkeys("✕✖×", FAILED),
}


def read_report(path: Path) -> dict[str, str] | None:
    """Return what a JUnit report says of each test; None if there is none that can be read."""
    try:
        if path.is_symlink() or path.stat().st_size > MAX_REPORT_BYTES:
            return None
        data = path.read_bytes()
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            return None  # no runner writes one: it could swell without end
        root = ElementTree.fromstring(data)  # noqa: S314
    except (OSError, ElementTree.ParseError):
        return None
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
        kinds = {child.tag for child in case}
        said = FAILED if kinds & {"failure", "error"} else SKIPPED if "skipped" in kinds else PASSED
        found[name] = FAILED if found.get(name) == FAILED else said
    return found


def read_output(output: str) -> dict[str, str]:
    """Return what ``go test -v``, ``cargo test``, TAP, jest and ``unittest -v`` print of each test."""
    return dict(_said(output))


def _said(output: str) -> Iterator[tuple[str, str]]:
    for match in _GO.finditer(output):
        yield match[2], _WORDS[match[1]]
    for match in _CARGO.finditer(output):
        yield match[1], _WORDS[match[2]]
    for match in _TAP.finditer(output):
        yield match[2], SKIPPED if match[3] else _WORDS[match[1]]
    for match in _MARKED.finditer(output):
        yield match[2], _WORDS[match[1]]
    for match in _UNITTEST.finditer(output):
        yield match[1], _WORDS.get(match[2], SKIPPED)
