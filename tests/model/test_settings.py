"""Which model is asked: command line, environment, workspace; and what a workspace may not say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.model.settings import ModelSettings, model_settings
from dspy_agent.model.workspace_file import workspace_model
from dspy_agent_core.errors import UsageError

OPENAI = {"OPENAI_BASE_URL": "http://models/v1/", "MODEL_NAME": "big", "OPENAI_API_KEY": "k3y"}


def _settings(workspace: Path, environment: dict[str, str] | None = None, **overrides: str) -> ModelSettings:
    return model_settings(workspace, overrides, environment or {})


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, ("ollama", "qwen3:1.7b", "http://127.0.0.1:11434")),
        ({"OLLAMA_HOST": "models"}, ("ollama", "qwen3:1.7b", "http://models:11434")),
        ({"OLLAMA_HOST": "0.0.0.0:1"}, ("ollama", "qwen3:1.7b", "http://127.0.0.1:1")),
        ({"OLLAMA_HOST": "https://x/", "OLLAMA_MODEL": "m"}, ("ollama", "m", "https://x")),
        ({"OPENAI_API_KEY": "for others"}, ("ollama", "qwen3:1.7b", "http://127.0.0.1:11434")),
        ({"OPENAI_API_KEY": "k", "MODEL_NAME": "m"}, ("openai", "m", "https://api.openai.com/v1")),
        (OPENAI, ("openai", "big", "http://models/v1")),
        ({**OPENAI, "USE_OLLAMA": "1"}, ("ollama", "qwen3:1.7b", "http://127.0.0.1:11434")),
        ({**OPENAI, "USE_OLLAMA": "0"}, ("openai", "big", "http://models/v1")),
    ],
)
def test_the_environment_names_server_and_model(
    environment: dict[str, str], named: tuple[str, str, str], tmp_path: Path
) -> None:
    settings = _settings(tmp_path, environment)
    assert (settings.server, settings.name, settings.url) == named


def test_the_key_is_shown_nowhere(tmp_path: Path) -> None:
    settings = _settings(tmp_path, {**OPENAI, "OPENAI_BASE_URL": "http://u:hunter2@models/v1"})
    assert settings.key == "k3y"
    assert "k3y" not in repr(settings)
    assert "hunter2" not in settings.shown_url


def test_the_command_line_wins_then_the_environment_then_the_workspace(tmp_path: Path) -> None:
    (tmp_path / ".dspy_agent.toml").write_text('[model]\nname = "own"\ncontext_tokens = 8192\ntimeout = 60\n')
    assert _settings(tmp_path).name == "own"
    assert (_settings(tmp_path).context_tokens, _settings(tmp_path).timeout) == (8192, 60.0)
    environment = {"OLLAMA_MODEL": "mine", "DSPY_AGENT_MODEL_CONTEXT_TOKENS": "2048"}
    settings = _settings(tmp_path, environment)
    assert (settings.name, settings.context_tokens, settings.timeout) == ("mine", 2048, 60.0)
    assert _settings(tmp_path, environment, name="now").name == "now"


def test_pyproject_may_name_it_too(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.dspy-agent.model]\nname = "own"\n')
    assert _settings(tmp_path).name == "own"


@pytest.mark.parametrize("text", ["= broken", "[tool]\ndspy-agent = 3\n", "[tool.other]\n", "\x00"])
def test_a_pyproject_that_says_nothing_of_it_is_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert workspace_model(tmp_path) == {}


@pytest.mark.parametrize(
    "line",
    [
        'url = "http://evil"',
        'key = "k"',
        'server = "openai"',
        "threads = 1000",
        'name = "gpt-oss:120b-cloud"',
        'name = "x:cloud"',
        'name = "a b; rm -rf"',
        "name = 3",
        "context_tokens = 100000000",
        "context_tokens = true",
        "timeout = -1",
        'timeout = "long"',
        "timeout = nan",
    ],
)
def test_a_workspace_never_names_a_server_a_cloud_or_limits_out_of_reason(line: str, tmp_path: Path) -> None:
    (tmp_path / ".dspy_agent.toml").write_text(f"[model]\n{line}\n")
    with pytest.raises(UsageError, match=r"\.dspy_agent\.toml"):
        _settings(tmp_path)


def test_a_link_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text('[model]\nname = "linked"\n')
    (tmp_path / ".dspy_agent.toml").symlink_to(tmp_path / "elsewhere")
    assert workspace_model(tmp_path) == {}


@given(text=st.text(max_size=200))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("w")
    (folder / ".dspy_agent.toml").write_text(f"[model]\n{text}", encoding="utf-8", newline="")
    with suppress(UsageError):
        assert workspace_model(folder).keys() <= {"name", "context_tokens", "timeout"}


@pytest.mark.parametrize(
    "environment",
    [
        {"DSPY_AGENT_MODEL_TIMEOUT": "soon"},
        {"DSPY_AGENT_MODEL_RETRIES": "-1"},
        {"DSPY_AGENT_MODEL_CONTEXT_TOKENS": "0"},
        {"OLLAMA_HOST": "ftp://x"},
        {"OLLAMA_HOST": "http://x:notaport"},
        {"OPENAI_BASE_URL": "http://x/v1"},
    ],
)
def test_a_setting_that_can_not_be_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        _settings(tmp_path, environment)
    assert raised.value.next
