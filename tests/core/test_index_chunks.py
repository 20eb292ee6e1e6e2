"""Chunks and terms of any text: nothing is lost, nothing lies outside, and cost grows with the size only."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.code.parse import parse_text
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.structure import FileStructure, Symbol, split_lines
from dspy_agent_core.index.build import SegmentBuilder, SourceFile
from dspy_agent_core.index.chunks import MAX_CHUNKS, chunk_file
from dspy_agent_core.index.segment import Segment
from dspy_agent_core.index.terms import CALL, MAX_WORD, split_word, term_hash, terms_of, words_of

LINES = st.sampled_from(
    ("def f(x):", "class A(B):", "    def g(self):", "        return 1", "    x = 1", "", "  ", "@dec",
     "# note", '"""doc', '"""', "async def h(): pass", "import a.b", "x = lambda: 0", "if x:", "\f", "\x0b",
     "é = '\u2028'",      "function f() {", "}", "class C { m() {} }", "func F() {", "# Title", "## Part",
     "key: value", "- item", "\r")
)  # fmt: skip
SOURCES = st.lists(LINES, max_size=120).map("\n".join)
FILES = st.sampled_from(("a.py", "a.js", "a.go", "a.md", "a.yaml", "a.c", "a.rs", "a.rb", "a.txt", "a.sql"))


def structure_of(path: str, text: str) -> FileStructure | None:
    language = language_of(path)
    return parse_text(text, language) if language else None


def check(path: str, text: str) -> None:
    lines = split_lines(text)
    chunks = chunk_file(text, structure_of(path, text))
    covered: set[int] = set()
    for chunk in chunks:
        assert 1 <= chunk.first <= chunk.line <= chunk.end_line <= len(lines)
        covered.update(range(chunk.first, chunk.end_line + 1))
    blank = {number for number, line in enumerate(lines, 1) if not line.strip()}
    assert set(range(1, len(lines) + 1)) - blank <= covered
    assert chunks == sorted(chunks, key=lambda chunk: (chunk.line, -chunk.end_line))


@given(FILES, SOURCES)
def test_every_line_is_in_a_chunk(path: str, text: str) -> None:
    check(path, text)


@given(FILES, st.text())
def test_any_text(path: str, text: str) -> None:
    check(path, text)


@pytest.mark.parametrize(
    "module", ["argparse", "ast", "asyncio", "collections", "dataclasses", "turtle", "typing"]
)
def test_real_sources(module: str) -> None:
    path = Path(__import__(module).__file__ or "")
    check("a.py", path.read_text(encoding="utf-8"))


@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.integers(0, 60), st.sampled_from(("class", "function", "section")))
    )
)
def test_symbols_that_overlap_or_lie_outside(spans: list[tuple[int, int, str]]) -> None:
    text = "\n".join(f"line {number}" for number in range(1, 41))
    symbols = [
        Symbol(name=f"s{n}", qualified=f"s{n}", kind=kind, line=line, end_line=line + more, signature="")
        for n, (line, more, kind) in enumerate(spans)
    ]  # fmt: skip
    for chunk in chunk_file(text, FileStructure("python", symbols=symbols)):
        assert 1 <= chunk.first <= chunk.line <= chunk.end_line <= 40


def test_a_huge_number_of_chunks_is_cut_off() -> None:
    text = "word\n" * (MAX_CHUNKS * 41)
    assert len(chunk_file(text, None)) == MAX_CHUNKS


@given(st.text())
def test_terms_of_any_text(text: str) -> None:
    for word in words_of(text):
        bare = word.rstrip(CALL)
        for term in terms_of(bare):
            assert term
            assert term == term.lower()
            assert 0 <= term_hash(term) < 1 << 64
        assert len(terms_of(bare)) == 0 or len(bare) <= MAX_WORD


def test_words_of_other_scripts_are_found() -> None:
    for word in ("переменная", "变量", "naïve", "größe", "αβγ"):
        found = words_of(f"x = {word}(1) + {word}")
        assert word in found
        assert f"{word}{CALL}" in found
        assert terms_of(word)


@given(st.from_regex(r"[A-Za-z0-9_]{1,60}", fullmatch=True))
def test_parts_of_an_identifier_lose_nothing(word: str) -> None:
    assert "".join(split_word(word)) == word.lower().replace("_", "")


def test_long_lines_and_words_take_no_quadratic_time() -> None:
    """A million characters: minutes if anything were quadratic, and the test would run into its timeout."""
    for text in (
        "a" * 1_000_000,
        "aB1_" * 250_000,
        "foo(bar)" * 125_000,
        "é" * 1_000_000,
        "(" * 1_000_000,
        "x " * 500_000,
    ):
        for name in ("a.txt", "a.py", "a.js", "a.md"):
            builder = SegmentBuilder()
            builder.add(SourceFile(name, text, None))
            segment = Segment(builder.arrays())
            assert segment.chunks == 1
            assert len(segment.arrays["terms"]) < 10


def test_deep_nesting() -> None:
    text = "".join("    " * depth + f"class C{depth}:\n" for depth in range(90)) + "    " * 90 + "pass\n"
    check("a.py", text)
    check("a.js", "function f(){" * 5000 + "}" * 5000)
    check("a.py", "(" * 100_000)
    check("a.py", "x = " + "-" * 100_000 + "1")


def test_counts_and_lengths_do_not_overflow() -> None:
    builder = SegmentBuilder()
    builder.add(SourceFile("a.txt", "word " * 200_000, None))
    segment = Segment(builder.arrays())
    found = segment.postings(term_hash("word"))
    assert found is not None
    chunks, _, counts = found
    assert (chunks.tolist(), counts.tolist()) == ([0], [8191])
    assert segment.arrays["lengths"].max() == 8191
