# ruff: noqa: E501  (log lines stand as they are written)
"""Masks and the parse tree: what is alike gets together, what is not stays apart, in bounded memory."""

from __future__ import annotations

import random
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.logs.mask import MASK, MAX_CHARS, MAX_WORDS, mask, mask_words
from dspy_agent_core.logs.templates import TemplateTree

SAME = [
    ("took 12ms", "took 3 s", "took 1.5 sec"),
    ("sent 5 KB to peer", "sent 17.2 MB to peer", "sent 1190 bytes (1.16 KB) to peer"),
    ("connect to 10.0.0.1:80 failed", "connect to [fe80::1ff:fe23]:443 failed", "connect to db.example.com:5432 failed"),
    ("open /var/log/a.log: denied", "open C:\\temp\\x.txt: denied", "open ./here: denied"),
    ("GET https://a.example/x?y=1 failed", "GET http://b.example failed"),
    ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 gone", "id 0xdeadbeef gone", "id 77 gone"),
    ("block blk_-16089 lost", "block blk_38865 lost"),
    ("mail to alice@example.com bounced", "mail to b.c+d@host bounced"),
    ("could not open 'a b c'", "could not open 'x'"),
    ("done user=alice rows=3 ok=true", "done user= rows=17 ok=false"),
    ("at 2026-11-23T10:00:00.123Z stop", "at 2026-11-23 10:00:00,123 stop", "at 10:00:00 stop"),
    ("nic aa:bb:cc:dd:ee:ff up", "nic 0a:1b:2c:3d:4e:5f up"),
    ("pod web-7d9c8b5f6d-x2x4z crashed", "pod web-5f6d7d9c8b-abcde crashed"),
    ("called by 1, 2, 3", "called by 4, 5, 6"),
]  # fmt: skip
APART = [
    ("open failed", "close failed"),
    ("GET /items failed", "POST /items failed"),
    ('"GET /a HTTP/1.1" 200', '"DELETE /a HTTP/1.1" 200'),
    ("org.apache.hadoop.mapred.Task: died", "org.apache.hadoop.hdfs.Node: died"),
    ("can't read and won't write", "can't write and won't read"),
    ("read/write error", "and/or error"),
]


@pytest.mark.parametrize("messages", SAME, ids=lambda messages: messages[0])
def test_messages_that_differ_in_values_get_one_mask(messages: tuple[str, ...]) -> None:
    assert len({mask(message) for message in messages}) == 1, [mask(m) for m in messages]


@pytest.mark.parametrize("messages", APART, ids=lambda messages: messages[0])
def test_messages_that_say_different_things_stay_apart(messages: tuple[str, ...]) -> None:
    tree = TemplateTree()
    found = [tree.add(message) for _ in range(10) for message in messages]
    assert len({template.id for template in found}) == len(messages)


_PIECES = """error 12 10.0.0.1 'x y' a=b a= "q" (5 MB) KB [3] /a/b/c x-1 v2.3.4 <*> <*>, true 5% -7 => e@x.de é 1:2
s (<*>) ms} {a:1 ::1 0x1F ,, '' http://h/?a=1 [::1]:80 k=[1,2] "GET /x HTTP/1.1" """
PIECES = st.sampled_from(_PIECES.split())
_VOCABULARY = "open close user file alice Bob x.y 5 a=b"
MESSAGES = st.lists(st.lists(st.sampled_from(_VOCABULARY.split()), max_size=5).map(" ".join), max_size=60)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=30).map(" ".join)))
@settings(max_examples=300, deadline=None)
def test_a_mask_never_fails_has_no_digits_of_its_own_and_is_bounded(text: str) -> None:
    words = mask_words(text)
    assert len(words) <= MAX_WORDS
    assert not re.search(r"(?<![\w.])\d+(?![\w.])", " ".join(words), re.ASCII)


@given(st.lists(PIECES, max_size=30).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_masking_twice_changes_nothing(text: str) -> None:
    assert mask(mask(text)) == mask(text)


HOSTILE = ["1" * 10**6, "'" * 10**6, "/" * 10**6, "a=" * 500_000, "1:" * 500_000, "a." * 500_000, "a@" * 500_000,
           "<*>" * 300_000, "-1" * 500_000, "\\" * 10**6, "http://" * 100_000, '"a' * 500_000, "f" * 10**6, "é" * 10**6]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:8])
def test_hostile_lines_cost_no_more_than_their_bounded_start(line: str) -> None:
    """Counts the steps of Python: patterns see at most ``MAX_CHARS`` characters."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        assert len(mask(line)) <= 4 * MAX_CHARS
    finally:
        sys.setprofile(None)
    assert steps < 50_000


def test_a_word_varies_once_it_was_seen_with_several_values() -> None:
    tree = TemplateTree()
    names = ["alice", "bob", "carol", "dave"]
    found = [tree.add(f"session opened for user {name}") for name in names]
    assert {template.id for template in found} == {found[0].id}
    assert found[0].root.text == "session opened for user <*>"
    assert found[0].root.count == len(names)
    assert tree.add("session opened for user erin").id == found[0].id


def test_several_names_that_differ_at_once_vary() -> None:
    tree = TemplateTree()
    first = tree.add("start proc com.shop.Cart for service pay.Gate now")
    second = tree.add("start proc org.mail.Box for service spam.Filter now")
    assert first.id == second.id
    assert first.root.text == "start proc <*> for service <*> now"


def test_templates_that_become_the_same_are_merged_with_their_counts() -> None:
    tree = TemplateTree()
    for left in ("alice", "bob", "carol"):
        for right in ("ann", "ben", "cat"):
            tree.add(f"mail from {left} to {right} lost")
    assert [(template.text, template.count) for template in tree.templates()] == [
        ("mail from <*> to <*> lost", 9)
    ]


@given(MESSAGES)
@settings(max_examples=200, deadline=None)
def test_counts_add_up_whatever_is_merged(messages: list[str]) -> None:
    tree = TemplateTree()
    found = [tree.add(message) for message in messages]
    assert sum(template.count for template in tree.templates()) == len(messages)
    for template, message in zip(found, messages, strict=True):
        root = template.root
        assert root in tree.templates()
        masked = mask_words(message)
        assert len(masked) == len(root.words)
        assert all(general in (MASK, word) for general, word in zip(root.words, masked, strict=True))


def test_values_without_end_need_bounded_memory_and_spare_what_counts() -> None:
    gone: list[str] = []
    tree = TemplateTree(100, lambda templates: gone.extend(template.text for template in templates))
    for _ in range(50):
        tree.add("disk almost full")
    letters = random.Random(3)
    for _ in range(5000):
        tree.add(" ".join("".join(letters.choices("abcdefghij", k=7)) for _ in range(3)))
    assert len(tree) <= 100
    assert len(tree._holes) <= 100 * 3
    assert sum(map(len, tree._leaves.values())) == len(tree)
    assert len(gone) > 4000
    assert "disk almost full" not in gone
