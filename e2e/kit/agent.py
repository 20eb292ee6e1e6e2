"""The ``dspy-agent`` command line, run as a user runs it, against one cluster and namespace."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cluster import Cluster
from .shell import run
from .terminal import Terminal

PROGRAM = str(Path(sys.executable).parent / "dspy-agent")


@dataclass(frozen=True, slots=True)
class Agent:
    """Runs ``dspy-agent`` commands in one namespace."""

    cluster: Cluster
    namespace: str

    def run(
        self, *words: str, stdin: str | bytes = b"", check: bool = True, timeout: float = 90
    ) -> subprocess.CompletedProcess[str]:
        """Run a cluster command such as ``suspend NAME``. Raises Failed."""
        command, *rest = words
        return run(
            PROGRAM, command, "-n", self.namespace, *rest,
            stdin=stdin, env=self.cluster.env, check=check, timeout=timeout,
        )  # fmt: skip

    def inside(
        self, workspace: str, *words: str, stdin: str | bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a workspace by ``connect``, without a terminal. Raises Failed."""
        return self.run("connect", workspace, "--", *words, stdin=stdin, check=check)

    def tool(self, workspace: str, *words: str) -> Any:
        """Run a tool of the agent in a workspace and return its ``--json`` object. Raises Failed."""
        return json.loads(self.inside(workspace, "dspy-agent", *words, "--json").stdout)

    def terminal(self, workspace: str, *words: str) -> Terminal:
        """Connect to a workspace with a terminal."""
        command = [PROGRAM, "connect", "-n", self.namespace, workspace]
        return Terminal([*command, "--", *words] if words else command, self.cluster.env)
