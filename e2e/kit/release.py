"""The chart's release in the cluster."""

from __future__ import annotations

from . import images
from .cluster import Cluster
from .gitserver import namespace
from .shell import ROOT, run

NAME = "dspy-agent"
NAMESPACE = "dspy-system"
CHART = ROOT / "helm" / "dspy-agent"
CRDS = ("agentworkspaces.dspy.dev", "rltrainingjobs.dspy.dev")


def helm(cluster: Cluster, *words: str, timeout: float = 300) -> str:
    """Run helm in the release's namespace and return its stdout. Raises Failed."""
    return run("helm", *words, "--namespace", NAMESPACE, timeout=timeout, env=cluster.env).stdout


def install(cluster: Cluster, *sets: str) -> str:
    """Install or upgrade the release, wait until it runs, and return helm's notes. Raises Failed."""
    cluster.apply(namespace(NAMESPACE))
    words = [word for value in sets for word in ("--set", value)]
    return helm(
        cluster,
        "upgrade",
        "--install",
        NAME,
        str(CHART),
        "--wait",
        "--timeout",
        "3m",
        "--take-ownership",
        "--reset-values",
        *words,
    )


def restart(cluster: Cluster) -> None:
    """Start the operator anew: the images keep their tag from one build to the next. Raises Failed."""
    cluster.kubectl("rollout", "restart", f"deployment/{NAME}", "-n", NAMESPACE)
    cluster.kubectl("rollout", "status", f"deployment/{NAME}", "-n", NAMESPACE, "--timeout=120s", timeout=130)


def uninstall(cluster: Cluster) -> None:
    """Remove the release; the CRDs and all workspaces stay. Raises Failed."""
    helm(cluster, "uninstall", NAME, "--wait", "--timeout", "2m", "--ignore-not-found")


def remove(cluster: Cluster) -> None:
    """Remove the release, its namespace, the CRDs, and with them every workspace. Raises Failed."""
    uninstall(cluster)
    cluster.kubectl("delete", "crd", *CRDS, "--ignore-not-found", "--timeout=120s", timeout=130)
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s", timeout=130)


def load(cluster: Cluster, *more: str) -> None:
    """Put our images, and ``more``, into the cluster. Raises Failed."""
    cluster.load(images.AGENT, images.OPERATOR, *more)
