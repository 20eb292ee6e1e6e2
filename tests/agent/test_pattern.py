"""The regex dialect: what is refused, and that the automaton agrees with ``re``."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent.search.automaton import LineAutomaton
from dspy_agent.search.dialect import parse_pattern
from dspy_agent.search.emit import compile_ascii, compile_unicode
from dspy_agent.search.syntax import backtracking_cost, required_text
from dspy_agent_core.errors import UsageError


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "[", "[]", "a{", "{2}", "a{3,2}", "*", "a|*", "\\", r"\1", r"\k<a>", "(?=a)", "(?!a)",
        "(?<=a)", "(?<!a)", "(?>a)", "(?P=a)", "(?x)a", "(?#c)", r"\pL", r"\p{L}", r"\Aa", r"a\z", r"\Z",
        "[a&&b]", "[a--b]", "[[a]]", "[z-a]", r"[\d-\w", r"\y", r"\é", r"\x{110000}", r"\xG", r"\u{D800}",
        "a\nb", "a\0b", "\udcff", r"\n", "(?P<1>a)", "[[:nope:]]", "(a{999}){999}", "(" * 60 + ")" * 60,
        "a" + "*" * 60, "a{999999}",
    ],
)  # fmt: skip
def test_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pattern(pattern)
    assert caught.value.code == "BadPattern"
    assert caught.value.next


@pytest.mark.parametrize("pattern", ["(", "a{", "[", r"\1", "(?=a)", "*"])
def test_plain_text_takes_all(pattern: str) -> None:
    assert compile_ascii(parse_pattern(pattern, fixed=True)).search(f"x{pattern}y".encode())


@given(st.text(st.sampled_from("ab()[]{}|*+?\\.^$-&~0189,:=!<>PikxwdsbBpénur#_ "), max_size=12))
@settings(max_examples=1500, deadline=None)
def test_any_text_is_a_pattern_or_an_error(text: str) -> None:
    try:
        node = parse_pattern(text)
    except UsageError:
        return
    compile_ascii(node)
    compile_unicode(node)


PART = st.sampled_from(["a", "b", "_", ".", r"\w", r"\b", r"\B", "^", "$", r"\<", r"\>", "[^a]", "é", r"\s"])
PATTERN = st.recursive(
    PART,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=2).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+?", "?", "{2,3}"])).map(lambda p: f"({p[0]}){p[1]}"),
    ),
    max_leaves=6,
)


@given(PATTERN, st.text("ab_ é\udcff", max_size=10), st.booleans())
@settings(max_examples=600, deadline=None)
def test_the_automaton_agrees_with_re(pattern: str, line: str, whole_words: bool) -> None:
    node = parse_pattern(pattern, whole_words=whole_words)
    expected = compile_unicode(node).search(line) is not None
    assert LineAutomaton(node, ascii_only=False).matches(map(ord, line)) is expected
    if line.isascii():
        assert (compile_ascii(node).search(line.encode()) is not None) is expected
        assert LineAutomaton(node, ascii_only=True).matches(line.encode()) is expected


@given(PATTERN, st.text("ab_ éKk", max_size=10), st.booleans())
@settings(max_examples=400, deadline=None)
def test_every_match_holds_the_required_text(pattern: str, line: str, ignore_case: bool) -> None:
    node = parse_pattern(pattern, ignore_case=ignore_case)
    if compile_unicode(node).search(line):
        assert required_text(node, ascii_only=False).encode() in line.encode().lower()


@pytest.mark.parametrize(
    ("pattern", "bounded"),
    [
        ("abc", True),
        (r"foo\s*=\s*\w+", True),
        ("(a+)+", False),
        ("(a|b)*", True),
        ("(a|ab)*", False),
        ("(ab)*", True),
        ("(a?b?)*", False),
    ],
)
def test_what_backtracking_may_search(pattern: str, bounded: bool) -> None:
    assert backtracking_cost(parse_pattern(pattern)).allows(20) is bounded


def test_a_search_that_takes_too_long_is_an_error() -> None:
    automaton = LineAutomaton(parse_pattern("a+b"), ascii_only=True, deadline=0.0)
    with pytest.raises(UsageError, match="too long"):
        automaton.matches(b"aaa")
