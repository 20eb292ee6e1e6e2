"""The images that the end-to-end tests and the demo put into the cluster."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .shell import ROOT, run

VERSION = next(
    line.split('"')[1]
    for line in (ROOT / "pyproject.toml").read_text().splitlines()
    if line.startswith("version = ")
)
AGENT = f"dspy-agent/agent:{VERSION}"
OPERATOR = f"dspy-agent/operator:{VERSION}"
SPARK = f"dspy-agent/spark:{VERSION}"
GIT_SERVER = f"dspy-agent/e2e-git:{VERSION}"


def build(*names: str) -> str:
    """Build these images (agent, operator, spark); return their sizes, one a line. Raises Failed."""
    return run(ROOT / "docker" / "build", *names, timeout=900).stdout


def build_git_server() -> None:
    """Build the image of the git server with its repositories. Raises Failed."""
    with tempfile.TemporaryDirectory() as folder:
        for source in (ROOT / "e2e" / "git-server").iterdir():
            shutil.copy(source, folder)
        shutil.copy(ROOT / "tests" / "support" / "git_server.py", Path(folder))
        run("docker", "build", "--quiet", "--tag", GIT_SERVER, folder, timeout=400)
