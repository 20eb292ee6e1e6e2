"""Whatever stands in the log, the commands answer, or say in one sentence what is wrong."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dspy_agent.cli.main import run_command
from dspy_agent.learning.event import LOG_NAME, encode
from tests.rl.kit import live

_NAME = st.sampled_from(["grep", "no-such-tool", "\x1b[31m", "", "bias", "ctx"]) | st.text(max_size=5)
_NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1, 1)
_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "id": _NAME,
        "decision_id": _NAME,
        "ts": st.sampled_from(["yesterday", "", "0001-01-01", "9999-12-31T23:59:59Z", "2026-01-01"]),
        "policy": st.fixed_dictionaries({"name": _NAME | st.just("linucb"), "version": _NAME}),
        "tool": _NAME,
        "features": st.dictionaries(_NAME, _NUMBER, max_size=5),
        "mask": st.lists(_NAME, max_size=5),
        "propensity": st.sampled_from([None, 1e-300, 1.0, 0.5]),
        "cost_ms": st.floats(0, 1e300),
        "outcome": st.dictionaries(
            st.sampled_from(["use", "up", "better", "path_rank", "failed", "suggested", "suggested_by"]),
            st.booleans() | st.integers(-5, 5) | _NUMBER | _NAME,
        ),
        "reward": st.none() | _NUMBER,
    },
)
_COMMANDS = (
    ["status"],
    ["explain"],
    ["explain", "--json"],
    ["curve"],
    ["eval", "--policy", "greedy"],
    ["thumbs", "up"],
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_CHANGES, min_size=1, max_size=6), st.binary(max_size=30))
def test_no_line_of_the_log_ends_a_command(
    workspace: Path, changes: list[dict[str, Any]], torn: bytes
) -> None:
    (workspace / LOG_NAME).unlink(missing_ok=True)
    told = live(workspace, 3)
    with (workspace / LOG_NAME).open("ab") as log:
        for number, change in enumerate(changes):
            whole = {**told[0], "id": f"x{number}", "decision_id": f"x{number}", **change}
            log.write(encode(whole) + b"\n")
        log.write(torn)
    for words in _COMMANDS:
        out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(_Text(err)):
            code = run_command(["--workspace", str(workspace), "rl", *words])
        assert code in (0, 1, 2, 3), (words, err.getvalue())
        out.flush()
        assert b"\x1b" not in out.buffer.getvalue()  # type: ignore[attr-defined]


class _Text(io.TextIOWrapper):
    """Standard error that can be told how to encode, as the real one."""

    def __init__(self, text: io.StringIO) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self._text = text

    def write(self, text: str) -> int:
        return self._text.write(text)


@pytest.mark.parametrize("words", _COMMANDS)
def test_a_log_that_is_no_file_is_told(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / LOG_NAME).mkdir()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        assert run_command(["--workspace", str(tmp_path), "rl", *words]) == 3
