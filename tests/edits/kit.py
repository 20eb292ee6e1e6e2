"""A small project with a bug, a model that says what a test wants, and what an edit makes of both."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.edits import Edited, EditOptions, edit
from dspy_agent.model.access import open_model
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import open_workspace
from tests.support.fake_model import Answer, FakeModelServer

SHOP = '''\
"""Prices."""


def total(prices, discount=0):
    """Add the prices up.

    The discount is a share of the whole, such as 0.1.
    """
    whole = sum(prices)
    # never below nothing
    return max(whole - discount, 0)


class Cart:
    """What someone wants to buy."""

    def __init__(self):
        self.items = {}

    def add(self, name, price, count=1):
        """Put something in."""
        self.items[name] = (price, count)

    def total(self):
        return total([price * count for price, count in self.items.values()])


def unrelated():
    return "nothing"
'''
TESTS = """\
from shop import Cart, total


def test_total():
    assert total([]) == 0
    assert total([10, 20], 0.1) == 27


def test_cart():
    cart = Cart()
    cart.add("tea", 5)
    cart.add("cup", 3, 2)
    assert list(cart.items) == ["tea", "cup"]
"""
FIXED = """```python
def total(prices, discount=0):
    whole = sum(prices)
    return max(whole - whole * discount, 0)
```"""


PYTEST = "[pytest]\naddopts = -p no:hypothesispytest -p no:asyncio -p no:xdist -p no:timeout -p no:anyio\n"


def make_shop(folder: Path, *, tests: bool = True) -> Path:
    """Write the project, with its tests or (an edit is much quicker then) without."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.py").write_text(SHOP)
    if tests:
        (folder / "test_shop.py").write_text(TESTS)
        (folder / "pytest.ini").write_text(PYTEST)
    return open_workspace(folder)


def asked(request: dict[str, Any]) -> str:
    """Return all that a request tells the model."""
    return "\n".join(message["content"] for message in request["body"]["messages"])


LINE = "# The line to correct"
Script = Callable[[dict[str, Any]], "str | Answer"]


def run_edit(
    task: str,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    *answers: str | Answer | Script,
    options: EditOptions | None = None,
    lines: Mapping[str, str] = {},
) -> tuple[Edited, list[str], list[str]]:
    """Return what came of an edit, what was asked, and what was told meanwhile."""
    told: list[str] = []
    with scripted(*answers, lines=lines) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        edited = edit(task, ToolContext(workspace), partial(open_model, workspace), options, tell=told.append)
        prompts = prompts_of(server)
    return edited, prompts, told


def scripted(*answers: str | Answer | Script, lines: Mapping[str, str] = {}) -> FakeModelServer:
    """Return a server that gives ``answers`` to questions about code, the last again and again.

    Lines that it is to correct are left as they are, but for ``lines``.
    """
    left = list(answers)

    def answer(request: dict[str, Any]) -> str | Answer:
        said = asked(request)
        if "# Task" not in said:
            return "{}"  # a probe of what the model can do
        if LINE in said:
            line = said.partition(LINE)[2].split("\n")[1]
            return lines.get(line.strip(), line).strip()
        found = left.pop(0) if len(left) > 1 else left[0]
        return found(request) if callable(found) else found

    return FakeModelServer(answer)


def prompts_of(server: FakeModelServer) -> list[str]:
    """Return what the model was asked about code, but for single lines."""
    return [prompt for prompt in map(asked, server.requests) if "# Task" in prompt and LINE not in prompt]


def snapshot(workspace: Path) -> dict[str, bytes]:
    """Return all files, without those of ours."""
    return {
        os.path.relpath(path, workspace): path.read_bytes()
        for path in workspace.rglob("*")
        if path.is_file() and ".dspy_" not in str(path)
    }
