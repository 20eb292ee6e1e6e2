"""What the tests of the loop share: a small project, and a conversation with a scripted model."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dspy_agent.loop.approval import Approval, Approver, Ask
from dspy_agent.loop.converse import Setting, Talk
from dspy_agent.loop.limits import Limits
from dspy_agent.loop.show import Teller
from dspy_agent.loop.step import Conversation
from dspy_agent.model.access import open_model
from dspy_agent.suggest.bandit import BanditSuggester
from dspy_agent.tools.base import ToolContext
from tests.support.fake_model import Answer, FakeModelServer


def project(folder: Path) -> Path:
    """Make a project whose ``parse_date`` crashes, with a log that says so, and a Makefile."""
    (folder / "src").mkdir(parents=True)
    (folder / "logs").mkdir()
    (folder / "src" / "dates.py").write_text(
        'def parse_date(text):\n    """Parse a date."""\n    return text.split("-")[3]\n'
    )
    (folder / "src" / "use.py").write_text(
        "from dates import parse_date\n\n\ndef start():\n    parse_date('1')\n"
    )
    (folder / "logs" / "app.log").write_text(
        "Traceback (most recent call last):\n"
        '  File "src/dates.py", line 3, in parse_date\n    return text.split("-")[3]\n'
        "IndexError: list index out of range\n"
    )
    (folder / "Makefile").write_text("test:\n\t@echo tested > tested.txt; echo all fine\n")
    return folder


def step(tool: str, why: str = "it fits", **arguments: str) -> str:
    """Return a model's choice."""
    return json.dumps({"why": why, "step": {"tool": tool, **arguments}})


class Scripted:
    """Answers choices from ``steps`` in turn (then ``answer``), and all else with ``text``."""

    def __init__(self, *steps: str | Answer, text: str | Answer = "It is in src/dates.py [1].") -> None:
        self.steps = list(steps)
        self.text = text

    def __call__(self, request: dict[str, Any]) -> str | Answer:
        fields = fields_wanted(request)
        if "word" in fields:  # asked by the probe: does the server keep to a schema?
            return json.dumps({"word": fields["word"]["enum"][0]})
        if "step" not in fields:
            return self.text
        return self.steps.pop(0) if self.steps else step("answer")


def fields_wanted(request: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the schema that a request came with."""
    return dict((request["body"].get("format") or {}).get("properties", {}))


def converse(
    server: FakeModelServer,
    workspace: Path,
    task: str,
    *answers: str | Answer | Callable[[dict[str, Any]], str | Answer],
    approval: Approval = "manual",
    ask: Ask | None = None,
    limits: Limits | None = None,
) -> tuple[Conversation, str]:
    """Return the conversation about ``task`` and what was told of it."""
    if answers:
        server.answers = list(answers)
    out = io.StringIO()
    setting = Setting(
        ToolContext(workspace),
        open_model(workspace),
        BanditSuggester(),
        Approver(approval, ask),
        Teller(out, True),
        limits or Limits(),
    )
    return Talk(task, setting).hold(), out.getvalue()


def about(server: FakeModelServer) -> list[dict[str, Any]]:
    """Return what was asked about the task: without the probe."""
    return [request for request in server.requests if "word" not in fields_wanted(request)]


def asked(server: FakeModelServer, number: int = -1) -> str:
    """Return the text of a prompt that the server got."""
    return "\n".join(str(one["content"]) for one in about(server)[number]["body"]["messages"])


def tools_offered(server: FakeModelServer, number: int) -> set[str]:
    """Return the tools that a choice was limited to."""
    forms: Sequence[Any] = fields_wanted(about(server)[number])["step"]["anyOf"]
    return {name for form in forms for name in names_of(form)}


def names_of(form: Any) -> list[str]:
    """Return the tools that a form is for."""
    tool = form["properties"]["tool"]
    return list(tool.get("enum", [tool.get("const")]))
