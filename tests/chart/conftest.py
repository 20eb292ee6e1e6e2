"""Runs helm on the chart."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "dspy-agent"
REQUIRE = "DSPY_REQUIRE_CONTROLPLANE"

Rendered = list[dict[str, Any]]
Render = Callable[..., Rendered]


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run helm with the given words; the caller looks at the exit code."""
    if not shutil.which("helm"):
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"helm is not on PATH ({REQUIRE}=1)")
        pytest.skip("helm is not on PATH; see https://helm.sh/docs/intro/install/")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["helm", *words], capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture(scope="session")
def render(helm: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """Render the chart with ``--set`` words into objects."""

    def run(*sets: str, extra: Iterable[str] = ()) -> Rendered:
        words = [word for value in sets for word in ("--set", value)]
        done = helm(
            "template", "dspy-agent", str(CHART), "--namespace", "dspy-system",
            "--kube-version", "1.34.0", *words, *extra,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [thing for thing in yaml.safe_load_all(done.stdout) if thing]

    return run
