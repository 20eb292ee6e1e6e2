"""What the tests of model access share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import dspy
import pytest

from dspy_agent.model.access import Model, open_model
from tests.support.fake_model import Answer, FakeModelServer, Script

KINDS = ["ollama", "openai"]
NAMES = (
    *("USE_OLLAMA", "OLLAMA_HOST", "OLLAMA_MODEL", "OLLAMA_API_KEY"),
    *("OPENAI_BASE_URL", "OPENAI_API_KEY", "MODEL_NAME"),
)


class Pick(dspy.Signature):
    """Pick a tool."""

    task: str = dspy.InputField()
    tool: Literal["grep", "ctx"] = dspy.OutputField(desc="the tool")
    why: str = dspy.OutputField(desc="one sentence")


GOOD = '{"tool": "ctx", "why": "There is a log."}'


@contextmanager
def opened(
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    *answers: str | Answer | Script,
    timeout: float = 30,
    **more: Any,
) -> Iterator[tuple[Model, FakeModelServer]]:
    """Yield a model at a server of its own."""
    with FakeModelServer(*answers, **more) as server:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in server.environment(openai=kind == "openai").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DSPY_AGENT_MODEL_TIMEOUT", str(timeout))
        yield open_model(Path.cwd(), progress=lambda text: None), server


def pick(model: Model, **options: Any) -> Any:
    """Ask for the fields of ``Pick``."""
    with model.answering(**{"answer_tokens": 50, **options}):
        return dspy.Predict(Pick)(task="why does it fail?")
