"""How long a tool rests: by its row, the workspace's file, the environment; in this order of weight."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.suggest.cooldowns import VARIABLE, cooldowns
from dspy_agent_core.errors import UsageError

ROWS = {"ctx": 5, "grep": 2, "esearch": 3, "vretr": 5, "intel": 10, "index": 300, "emb-index": 600}


def test_the_rows_say_how_long(tmp_path: Path) -> None:
    assert {tool: cooldowns(tmp_path, {})[tool] for tool in ROWS} == ROWS


def test_a_workspace_and_the_environment_may_say_otherwise(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.dspy-agent.cooldowns]\ngrep = 9\n")
    assert cooldowns(tmp_path, {})["grep"] == 9
    (tmp_path / ".dspy_agent.toml").write_text("[cooldowns]\ngrep = 0\nctx = 7.5\n")
    assert (cooldowns(tmp_path, {})["grep"], cooldowns(tmp_path, {})["ctx"]) == (0, 7.5)
    said = cooldowns(tmp_path, {VARIABLE: "ctx=1, intel = 20"})
    assert (said["ctx"], said["intel"], said["esearch"]) == (1, 20, 3)
    assert not any(cooldowns(tmp_path, {VARIABLE: "off"}).values())


@pytest.mark.parametrize("said", ["grep", "grep=-1", "grep=nan", "nothing=1", "grep=1e9", "grep=x"])
def test_what_can_not_be_meant_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        cooldowns(tmp_path, {VARIABLE: said})
    assert VARIABLE in caught.value.next


@pytest.mark.parametrize(
    "text", ["cooldowns = 3\n", "[cooldowns]\ngrep = true\n", "[cooldowns]\ngrep = []\n"]
)
def test_a_file_that_can_not_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ".dspy_agent.toml").write_text(text)
    with pytest.raises(UsageError):
        cooldowns(tmp_path, {})
