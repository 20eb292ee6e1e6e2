"""Codecs, diffs and whole histories, with whatever comes to mind."""

from __future__ import annotations

import json
import random
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dspy_agent.checkpoints import lines
from dspy_agent.checkpoints.diff import changed_ranges, count_lines, unified
from dspy_agent.checkpoints.model import (
    Checkpoint,
    Damaged,
    FileChange,
    Proposal,
    Version,
    decode_checkpoint,
    decode_proposal,
    encode,
)
from dspy_agent.checkpoints.store import Store
from dspy_agent_core.errors import AgentError
from tests.checkpoints.kit import memory_folder

versions = some.none() | some.builds(
    Version, some.binary(min_size=32, max_size=32).map(bytes.hex), some.integers(0, 0o777)
)
counts = some.integers(0, 1000)
changes = some.builds(FileChange, some.text(), versions, versions, counts, counts)
abouts = some.dictionaries(some.text(), some.text() | some.integers() | some.none())
files = some.lists(changes).map(tuple)
proposals = some.builds(Proposal, some.text(), files, abouts)
landed = some.builds(
    Checkpoint,
    some.integers(1),
    some.text(),
    files,
    abouts,
    some.none() | some.integers(1),
    some.lists(some.text()).map(tuple),
)
anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)
texts = some.lists(some.sampled_from(["a\n", "b\n", "c\r\n", "\n", "é\n", "d"])).map(
    lambda found: "".join(found).encode()
)


@given(proposals)
def test_proposals_come_back(proposal: Proposal) -> None:
    assert decode_proposal(json.loads(json.dumps(encode(proposal)))) == proposal


@given(landed)
def test_checkpoints_come_back(checkpoint: Checkpoint) -> None:
    assert decode_checkpoint(json.loads(json.dumps(encode(checkpoint)))) == checkpoint


@settings(max_examples=50)
@given(anything, landed, some.sampled_from(["format", "id", "time", "files", "about", "undoes", "made"]))
def test_whatever_else_is_damage(rubbish: Any, checkpoint: Checkpoint, key: str) -> None:
    for decode in (decode_checkpoint, decode_proposal):
        with pytest.raises(Damaged):
            decode(rubbish)
    data = {**encode(checkpoint), key: rubbish}
    with suppress(Damaged):
        assert encode(decode_checkpoint(data)) == data


def patched(before: bytes, diff: str) -> bytes:
    """Return what a patch program makes of ``before``."""
    old = re.findall(r"[^\n]*\n|[^\n]+$", before.decode())
    result, at = [], 0
    for hunk in re.split(r"^(?=@@ )", diff, flags=re.MULTILINE)[1:]:
        head, *body_lines = re.findall(r"[^\n]*\n", hunk)
        start, length = re.match(r"@@ -(\d+)(?:,(\d+))?", head).groups()  # type: ignore[union-attr]
        begin = int(start) - (length != "0")
        result += old[at:begin]
        at = begin
        for number, line in enumerate(body_lines):
            ends = number + 1 < len(body_lines) and body_lines[number + 1].startswith("\\")
            body = line[1:-1] if ends else line[1:]
            if line[0] in " -":
                assert old[at] == body
                at += 1
            if line[0] in " +":
                result.append(body)
    return "".join(result + old[at:]).encode()


@given(texts, texts)
def test_a_diff_turns_one_into_the_other(before: bytes, after: bytes) -> None:
    diff = unified("x", before, after)
    assert patched(before, diff) == after
    marks = [line[0] for line in diff.split("\n")[2:] if line]
    assert (marks.count("+"), marks.count("-")) == count_lines(before, after)
    most = max(before.count(b"\n") + 1, 1)
    assert all(1 <= first <= last <= most for first, last in changed_ranges(before, after))


@given(texts, texts)
def test_large_gaps_and_deep_ones_come_out_right_too(before: bytes, after: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_SMALL", 4)
        patch.setattr(lines, "_DEEPEST", 1)
        assert patched(before, unified("x", before, after)) == after


def test_lines_that_repeat_take_no_quadratic_time() -> None:
    chance = random.Random(5)
    before, after = ("".join(f"{chance.randrange(200)}\n" for _ in range(40_000)).encode() for _ in range(2))
    assert unified("x", before, after)  # difflib alone takes many minutes
    assert count_lines(before, before[:-4] + b"x\n") != (0, 0)


@given(some.binary(), some.binary())
def test_diffs_of_any_bytes(before: bytes, after: bytes) -> None:
    unified("x", before, after)
    count_lines(before, after)


class History(RuleBasedStateMachine):
    """Proposals, applies, undos, and edits by hand, beside a model in memory."""

    paths = some.sampled_from(["a", "d/b", "d/e/c"])
    contents = some.none() | some.sampled_from([b"1\n", b"2\n", b"3"])

    def __init__(self) -> None:
        super().__init__()
        self.holder = memory_folder()
        self.root = self.holder.__enter__()
        self.now: dict[str, bytes] = {}
        self.proposed: dict[str, tuple[bytes | None, bytes | None]] = {}
        self.landed: dict[int, dict[str, tuple[bytes | None, bytes | None]]] = {}

    @rule(changes=some.dictionaries(paths, contents, min_size=1))
    def propose(self, changes: dict[str, bytes | None]) -> None:
        Store(self.root).propose(changes, {})
        self.proposed = {
            path: (self.now.get(path), data) for path, data in changes.items() if self.now.get(path) != data
        }

    @rule(path=paths, data=some.sampled_from([b"1\n", b"mine\n"]))
    def edit(self, path: str, data: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(data)
        self.now[path] = data

    @rule()
    def apply(self) -> None:
        fits = bool(self.proposed) and self.is_now(self.proposed, 0)
        try:
            done = Store(self.root).apply()
        except AgentError as error:
            assert not fits, error.code  # noqa: PT017
            return
        assert fits
        self.landed[done.id] = self.proposed
        self.take(self.proposed, 1)
        self.proposed = {}

    @precondition(lambda self: self.landed)
    @rule(data=some.data())
    def undo(self, data: some.DataObject) -> None:
        number = data.draw(some.sampled_from(sorted(self.landed)))
        change = self.landed[number]
        try:
            done = Store(self.root).undo(number)
        except AgentError as error:
            assert error.code == "AlreadyUndone" or not self.is_now(change, 1)  # noqa: PT017
            return
        assert self.is_now(change, 1)
        self.landed[done.id] = {path: (after, before) for path, (before, after) in change.items()}
        self.take(change, 0)

    def is_now(self, change: dict[str, tuple[bytes | None, bytes | None]], side: int) -> bool:
        return all(self.now.get(path) == pair[side] for path, pair in change.items())

    def take(self, change: dict[str, tuple[bytes | None, bytes | None]], side: int) -> None:
        for path, pair in change.items():
            content = pair[side]
            if content is None:
                self.now.pop(path, None)
            else:
                self.now[path] = content

    @invariant()
    def files_are_as_the_model_says(self) -> None:
        found = {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and ".dspy_checkpoints" not in path.parts
        }
        assert found == self.now

    def teardown(self) -> None:
        self.holder.__exit__(None, None, None)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
