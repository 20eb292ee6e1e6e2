"""What is read from a source in each language, and from what is no source at all."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dspy_agent.code.grammars import parse_source
from dspy_agent.code.parse import PARSED, parse_text
from dspy_agent_core.code.structure import FileStructure
from tests.agent.language_samples import SAMPLES
from tests.agent.sample import Sample


def parsed(text: str, language: str) -> FileStructure:
    found = parse_text(text, language)
    assert found is not None
    return found


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.language)
def test_a_source(sample: Sample) -> None:
    found = parsed(sample.text, sample.language)
    assert not found.broken
    assert [
        f"{symbol.line}-{symbol.end_line} {symbol.kind} {symbol.qualified}" for symbol in found.symbols
    ] == sample.symbols.split("\n")
    by_name = {symbol.qualified: symbol for symbol in found.symbols}
    assert {name: by_name[name].signature for name in sample.signatures} == sample.signatures
    assert {name: by_name[name].bases for name in sample.bases} == sample.bases
    assert {
        name: (by_name[name].docstring, by_name[name].docstring_lines) for name in sample.docs
    } == sample.docs
    assert [item.module for item in found.imports] == sample.imports
    assert found.docstring == sample.docstring


def test_every_language_has_a_sample() -> None:
    assert {sample.language for sample in SAMPLES} | {"tsx"} == PARSED


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.language)
def test_line_ends_and_marks_change_nothing(sample: Sample) -> None:
    unix = parsed(sample.text, sample.language)
    windows = parsed(sample.text.replace("\n", "\r\n"), sample.language)
    assert [(s.qualified, s.line, s.signature) for s in windows.symbols] == [
        (s.qualified, s.line, s.signature) for s in unix.symbols
    ]
    assert windows.imports == unix.imports


def check(found: FileStructure | None, text: str) -> None:
    if found is None:
        return
    last = text.count("\n") + 1
    for symbol in found.symbols:
        assert 1 <= symbol.line <= symbol.end_line <= last
        assert symbol.name
        assert symbol.qualified.endswith(symbol.name)
        assert "\n" not in symbol.signature
        if symbol.docstring_lines:
            assert symbol.docstring
            assert 1 <= symbol.docstring_lines[0] <= symbol.docstring_lines[1] <= last
    assert all(1 <= item.line <= last for item in found.imports)


_SAMPLE = st.sampled_from(SAMPLES)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_SAMPLE, st.integers(0, 2000), st.integers(0, 2000), st.text(max_size=8))
def test_any_change_of_a_source_is_read(sample: Sample, start: int, length: int, put: str) -> None:
    text = sample.text[:start] + put + sample.text[start + length % 60 :]
    check(parse_text(text, sample.language), text)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PARSED)), st.text(max_size=200))
def test_any_text_is_read(language: str, text: str) -> None:
    check(parse_text(text, language), text)


@pytest.mark.parametrize("language", sorted(PARSED))
@pytest.mark.parametrize(
    "text",
    ["", "\n", "\ufeff", "\ufffd\x01\x7f", "(" * 100_000, "{[(" * 20_000, "/*", '"', "x" * 1_000_000],
    ids=["empty", "line", "mark", "binary", "deep", "deep mix", "comment", "quote", "long"],
)
def test_what_is_no_source_is_survived(language: str, text: str) -> None:
    check(parse_text(text, language), text)


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("javascript", "/** d */ function a(){"),
        ("java", "class A {"),
        ("cpp", "namespace a { struct A {"),
        ("markdown", "###### a\n"),
        ("yaml", "  a:\n"),
    ],
)
def test_names_stay_short_however_deep_it_goes(language: str, unit: str) -> None:
    found = parsed(unit * 2000, language)
    assert max([len(symbol.qualified) for symbol in found.symbols], default=0) < 1000


def test_a_parse_that_takes_too_long_is_given_up() -> None:
    found = parse_source("var a = 1;\n" * 20_000, "javascript", seconds=0)
    assert (found.broken, found.symbols) == (True, [])


def test_one_comment_is_of_one_definition() -> None:
    found = parsed("/** " + "x" * 5000 + " */\n" + "function f(){}" * 500, "javascript")
    assert [bool(symbol.docstring) for symbol in found.symbols] == [True] + [False] * 499
