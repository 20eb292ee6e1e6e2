"""What compilers and test runners say with a place: an error, a failed test."""

from __future__ import annotations

import re

from dspy_agent_core.logs.traces import syntax
from dspy_agent_core.logs.traces.managed import NODE_FRAME
from dspy_agent_core.logs.traces.model import RawFrame, Trace

_COMPILER = re.compile(
    r"""(?:\[ERROR\]\ |ERROR:?\ in\ |e:\ )?(?P<path>(?:[A-Za-z]:)?[^\s:()\[\]]+\.\w{1,8})
    (?::(?P<line>\d+)(?::(?P<column>\d+))?|:?[\[(](?P<line2>\d+)[,:]\d+[\])])
    (?::\ |\ -\ |\ )
    (?:(?P<kind>(?:fatal\ |runtime\ )?error)(?:\ (?P<code>[A-Z]+\d+))?:\ |(?=syntax\ error))
    (?P<message>.*)$""",
    re.VERBOSE,
)
_GO_COMPILER = re.compile(r"(?:vet: )?(?P<path>[^\s:]+\.go):(?P<line>\d+):\d+: (?P<message>.+)$")
_RUSTC = re.compile(r"(?:error)?\[(?P<type>E\d{4})\]: (?P<message>.*)$")
RUSTC_PLACE = re.compile(r"\s*--> (?P<path>\S+?):(?P<line>\d+):\d+$")
COMPILER_MORE = re.compile(
    r"\s*\d* [|│] |\s+\^[~^]*\s*$|\s*--> |\s+= (?:note|help): |\s+(?:symbol|location):  "
)

_GO_TEST = re.compile(r"\s*--- FAIL: (?P<test>\S+)")
_GO_TEST_PLACE = re.compile(r"\s+(?P<path>[^\s:]+\.go):(?P<line>\d+): ?(?P<message>.*)$")
GO_TEST_MORE = re.compile(r"    \s*\S")

_RACE = re.compile(r"(?:WARNING: )?DATA RACE$")
RACE_MORE = re.compile(
    r"(?:Previous )?(?:atomic )?(?:[Rr]ead|[Ww]rite) at 0x|  \S.*\)$|      \S+:\d+|Goroutine \d+|={18}$"
)

_TAP = re.compile(r"\s*not ok \d+(?: -)? ?(?P<name>.*)$")
_TAP_FIELD = re.compile(r"\s+(?P<key>error|name|stack|location): (?P<value>.*)$")
_TAP_FRAME = re.compile(
    r"\s+(?:(?P<call>\S.*?) \()?(?P<path>(?:file://)?[^\s():][^():]*|node:[\w/.]+):(?P<line>\d+):\d+\)?$"
)
_TAP_PERL = re.compile(r"\s*#\s+at (?P<path>\S+) line (?P<line>\d+)\.$")
TAP_MORE = re.compile(r"\s+(?:---|\.\.\.)$|\s+\w+: |\s*#\s{2,}")

_JEST = re.compile(r"\s*● (?P<name>.+)$")


def is_compiler(text: str) -> bool:
    """Return whether ``text`` is an error of a compiler that names a place."""
    return bool(_COMPILER.match(text) or _GO_COMPILER.match(text) or _RUSTC.match(text))


def parse_compiler(texts: list[str]) -> Trace | None:
    """Return the error of a compiler (its code is the type, where it has one)."""
    head = texts[0]
    if found := _COMPILER.match(head):
        frame = RawFrame(found["path"], int((found["line"] or found["line2"])[:9]), None)
        return Trace(
            found["code"] or ("runtime error" if found["kind"] == "runtime error" else None),
            found["message"],
            (frame,),
        )
    if found := _GO_COMPILER.match(head):
        return Trace(None, found["message"], (RawFrame(found["path"], int(found["line"][:9]), None),))
    place = next((at for text in texts if (at := RUSTC_PLACE.match(text))), None)
    frames = (RawFrame(place["path"], int(place["line"][:9]), None),) if place else ()
    if found := _RUSTC.match(head):
        return Trace(found["type"], found["message"], frames)
    return Trace(None, head, frames) if frames else None


def is_go_test(text: str) -> bool:
    """Return whether ``text`` begins a failure of ``go test``."""
    return _GO_TEST.match(text) is not None


def parse_go_test(texts: list[str]) -> Trace | None:
    """Return the first complaint of a failed test of Go."""
    head = _GO_TEST.match(texts[0])
    places = [(number, at) for number, text in enumerate(texts) if (at := _GO_TEST_PLACE.match(text))]
    if head is None or not places:
        return None
    first, place = places[0]
    end = places[1][0] if len(places) > 1 else len(texts)
    message = [place["message"], *(text.strip() for text in texts[first + 1 : end])]
    frame = RawFrame(place["path"], int(place["line"][:9]), head["test"])
    return Trace("FAIL", "\n".join(message).strip(), (frame,))


def is_race(text: str) -> bool:
    """Return whether ``text`` begins a report of Go's race detector."""
    return _RACE.match(text) is not None


def parse_race(texts: list[str]) -> Trace | None:
    """Return the data race with the frames of the access that was noticed."""
    frames: list[RawFrame] = []
    call = None
    for text in texts[1:]:
        if frames and not text.strip():
            break
        if place := re.match(r"      (?P<path>\S+?):(?P<line>\d+)", text):
            frames.append(RawFrame(place["path"], int(place["line"][:9]), call))
        elif text.startswith("  "):
            call = text.strip().removesuffix("()")
    return Trace("DATA RACE", texts[1].strip() if len(texts) > 1 else "", tuple(frames))


def is_tap(text: str) -> bool:
    """Return whether ``text`` is a failed test of the Test Anything Protocol."""
    return _TAP.match(text) is not None and "# TODO" not in text and "# SKIP" not in text


def parse_tap(texts: list[str]) -> Trace | None:
    """Return what a failed test says of itself: Node's YAML block, or Perl's comment."""
    head = _TAP.match(texts[0])
    if head is None:
        return None
    fields: dict[str, list[str]] = {}
    key, margin = "", 0
    frames: list[RawFrame] = []
    for text in texts[1:]:
        depth = len(text) - len(text.lstrip())
        if perl := _TAP_PERL.match(text):
            frames.append(RawFrame(perl["path"], int(perl["line"][:9]), None))
        elif text.strip() and key and depth > margin:
            fields[key].append(text)
        elif found := _TAP_FIELD.match(text):
            key, margin = found["key"], depth
            value = found["value"].strip("'\"")
            fields[key] = [] if value in ("|-", "|", ">-") else [value]
        elif text.strip():
            key = ""
    for text in fields.get("stack", []):
        if at := _TAP_FRAME.match(text):
            frames.append(RawFrame(at["path"].removeprefix("file://"), int(at["line"][:9]), at["call"]))
    message = "\n".join(line.strip() for line in fields.get("error", [head["name"]]))
    return Trace(next(iter(fields.get("name", [])), None), message, tuple(frames))


def is_jest(text: str) -> bool:
    """Return whether ``text`` begins a failure that Jest or Vitest tells."""
    return _JEST.match(text) is not None


def parse_jest(texts: list[str]) -> Trace | None:
    """Return the failure of a test of Jest."""
    said = [text.strip() for text in texts[1:]]
    start = next((number for number, text in enumerate(said) if text), None)
    frames = [
        RawFrame(found["path"], int(found["line"][:9]), found["call"])
        for text in texts
        if (found := NODE_FRAME.match(text))
    ]
    if start is None or not frames:
        return None
    end = next(
        (n for n in range(start + 1, len(said)) if not said[n] or NODE_FRAME.match(texts[n + 1])), len(said)
    )
    head = syntax.HEAD.match(said[start])
    message = [(head["message"] or "") if head else said[start], *said[start + 1 : end]]
    return Trace(head["type"] if head else None, "\n".join(message).strip(), tuple(frames))
