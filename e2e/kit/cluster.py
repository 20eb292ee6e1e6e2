"""A kind cluster: found or made, and talked to by kubectl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .shell import ROOT, Failed, run

# A kit beside the checkout that can make a cluster on machines that reach no image registry.
KIT = ROOT.parent / "shared" / "cluster"

PROGRAMS = {
    "docker": "https://docs.docker.com/engine/install/",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "helm": "https://helm.sh/docs/intro/install/",
}

Object = dict[str, Any]


class Timeout(AssertionError):
    """A condition did not come true in time."""


T = TypeVar("T")


def wait_for(look: Callable[[], T | None], seconds: float, what: Callable[[], str] | str) -> T:
    """Look again and again until there is something to return. Raises Timeout with ``what``."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Timeout(f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.5)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A kind cluster; ``kubeconfig`` has its context, and ``made`` says whether `ensure` made it."""

    name: str
    kubeconfig: Path
    made: bool

    @property
    def env(self) -> dict[str, str]:
        """Variables that point programs at this cluster."""
        return {"KUBECONFIG": str(self.kubeconfig)}

    def kubectl(self, *words: str, stdin: str = "", timeout: float = 60) -> str:
        """Run kubectl and return its stdout. Raises Failed."""
        return run("kubectl", *words, stdin=stdin, timeout=timeout, env=self.env).stdout

    @contextmanager
    def watching(self, *words: str) -> Iterator[Callable[[], str]]:
        """Run ``kubectl get --watch`` meanwhile; what is yielded returns all that it has said."""
        with tempfile.NamedTemporaryFile() as said:
            process = subprocess.Popen(
                ["kubectl", "get", "--watch", *words], stdout=said, env={**os.environ, **self.env}
            )
            try:
                yield lambda: Path(said.name).read_text(encoding="utf-8")
            finally:
                process.kill()
                process.wait()

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """Return an object, or None if it is not there."""
        space = ("-n", namespace) if namespace else ()
        text = self.kubectl("get", kind, name, *space, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def items(self, kinds: str, namespace: str, selector: str = "") -> list[Object]:
        """Return the objects of these kinds (separated by commas)."""
        chosen = ("-l", selector) if selector else ()
        found: list[Object] = json.loads(self.kubectl("get", kinds, "-n", namespace, *chosen, "-o", "json"))[
            "items"
        ]
        return found

    def apply(self, *things: Object, namespace: str = "") -> None:
        """Apply objects. Raises Failed with the API server's words."""
        space = ("-n", namespace) if namespace else ()
        self.kubectl("apply", *space, "-f", "-", stdin=yaml.safe_dump_all(things))

    def load(self, *images: str) -> None:
        """Put images of this machine into the cluster's nodes."""
        run("kind", "load", "docker-image", *images, "--name", self.name, timeout=400)

    def delete(self) -> None:
        """Delete the cluster. Raises Failed."""
        run("kind", "delete", "cluster", "--name", self.name, timeout=120, env=self.env)

    def node(self, *words: str) -> str:
        """Run a command on the node and return its stdout. Raises Failed."""
        return run("docker", "exec", f"{self.name}-control-plane", *words).stdout


def ensure(name: str | None = None) -> Cluster:
    """Return the kind cluster of this name (default: ``E2E_CLUSTER``, else ``dev``); make it if need be.

    Raises:
        Failed: a program is missing, or the cluster can't be made.
    """
    name = name or os.environ.get("E2E_CLUSTER", "dev")
    # A kubeconfig of our own: the user's current context stays what it is.
    config = Path(tempfile.gettempdir()) / f"dspy-agent-{name}.kubeconfig"
    config.touch(mode=0o600)
    own = {"KUBECONFIG": str(config)}
    made = not (shutil.which("kind") and name in run("kind", "get", "clusters").stdout.split())
    if (KIT / "up").exists():
        run(KIT / "up", name, timeout=600, env=own)
    for program, page in PROGRAMS.items():
        if not shutil.which(program):
            raise Failed(f"{program} is not on PATH; install it: {page}")
    if name not in run("kind", "get", "clusters").stdout.split():
        run("kind", "create", "cluster", "--name", name, "--wait", "180s", timeout=600, env=own)
    run("kind", "export", "kubeconfig", "--name", name, env=own)
    cluster = Cluster(name, config, made)
    cluster.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s", timeout=130)
    return cluster
