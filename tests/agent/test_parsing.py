"""The session reads the same words as the command line."""

from __future__ import annotations

import pytest

from dspy_agent.cli.parsing import Help, Parsed, parse
from dspy_agent.tools.arguments import GrepArguments, LsArguments
from dspy_agent_core.errors import UsageError


def test_words_become_a_tool_and_its_arguments() -> None:
    parsed = parse(["grep", "-i", "a b", "src", "docs", "-g", "*.py", "--json"])
    assert isinstance(parsed, Parsed)
    assert (parsed.tool.name, parsed.as_json) == ("grep", True)
    assert isinstance(parsed.arguments, GrepArguments)
    assert parsed.arguments.ignore_case
    assert tuple(parsed.arguments.paths or ()) == ("src", "docs")
    assert tuple(parsed.arguments.globs or ()) == ("*.py",)


def test_defaults_hold() -> None:
    parsed = parse(["ls"])
    assert isinstance(parsed, Parsed)
    assert parsed.arguments == LsArguments()


def test_help_is_text() -> None:
    asked = parse(["tree", "--help"])
    assert isinstance(asked, Help)
    assert "--depth" in asked.text


@pytest.mark.parametrize(
    "words", [["grep"], ["ls", "--nope"], ["nope"], ["tree", "--depth", "0"], ["--workspace"]]
)
def test_bad_words_are_a_usage_error(words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert caught.value.code == "BadUsage"
    assert caught.value.next
