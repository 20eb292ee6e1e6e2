"""Model access: one way to a model, from both kinds of server."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import dspy
import pytest

from dspy_agent.model.access import Model, open_model
from tests.support.fake_model import FakeModelServer

KINDS = ["ollama", "openai"]


class Pick(dspy.Signature):
    """Pick a tool."""

    task: str = dspy.InputField()
    tool: Literal["grep", "ctx"] = dspy.OutputField(desc="the tool")
    why: str = dspy.OutputField(desc="one sentence")


def _model(server: FakeModelServer, kind: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    names = ("USE_OLLAMA", "OLLAMA_HOST", "OLLAMA_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "MODEL_NAME")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    settings = {"OPENAI_BASE_URL": server.openai_url, "MODEL_NAME": "small", "OPENAI_API_KEY": "k3y"}
    for name, value in (server.environment() if kind == "ollama" else settings).items():
        monkeypatch.setenv(name, value)
    return open_model(Path.cwd())


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_gets_typed_fields_and_its_use_is_counted(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with FakeModelServer('{"tool": "ctx", "why": "There is a log."}') as server:
        model = _model(server, kind, monkeypatch)
        with model.answering(on_text=said.append, answer_tokens=50):
            picked: Any = dspy.Predict(Pick)(task="why does it fail?")
    assert (picked.tool, picked.why) == ("ctx", "There is a log.")
    assert "".join(said) == '{"tool": "ctx", "why": "There is a log."}'
    assert (model.usage.calls, model.usage.answer_tokens) == (1, 7)
    assert model.usage.prompt_tokens > 0
