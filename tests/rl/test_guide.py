"""The commands of the guide run as they stand there, one after the other, in a project like its own."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from dspy_agent.cli.main import run_command
from dspy_agent_core.bandit.rewards import PARTS
from tests.learning.kit import project

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "learning.md"


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path / "shop"))
    monkeypatch.setenv("DSPY_AGENT_POLICY", "best")  # the others explore, and may suggest anything
    said = commands()
    assert len(said) > 10
    for command in said:
        out = io.TextIOWrapper(io.BytesIO())
        with contextlib.redirect_stdout(out):
            code = run_command(shlex.split(command)[1:])
        out.flush()
        text = out.buffer.getvalue()
        assert (code, text != b"") == (0, True), (command, text)


@pytest.mark.parametrize("name", PARTS)
def test_the_guide_names_each_part_with_its_weight(name: str) -> None:
    rows = [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    (row,) = [row for row in rows if f"`{name}`" in row.split("|")[1]]
    assert f"{abs(PARTS[name].weight):g}" in row.split("|")[2]
