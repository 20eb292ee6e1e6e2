"""What a cluster says about our things, for the report of a failed test."""

from __future__ import annotations

from . import release
from .cluster import Cluster
from .shell import run

CONDITIONS = (
    "{range .items[*]}{.metadata.namespace}/{.metadata.name}{'\\n'}"
    "{range .status.conditions[*]}    {.type}={.status} {.reason}: {.message}{'\\n'}{end}{end}"
)
OPERATOR = ("logs", "-n", release.NAMESPACE, f"deployment/{release.NAME}")
LOOKS: tuple[tuple[str, ...], ...] = (
    ("get", "agentworkspaces", "-A", "-o", "wide"),
    ("get", "agentworkspaces", "-A", "-o", f"jsonpath={CONDITIONS}"),
    ("get", "pods", "-A", "-l", "dspy.dev/workspace", "-o", "wide"),
    ("get", "events", "-A", "--sort-by=.lastTimestamp", "--field-selector=type=Warning"),
    ("describe", "pods", "-A", "-l", "dspy.dev/workspace"),
    (*OPERATOR, "--tail=100"),
    (*OPERATOR, "--tail=50", "--previous"),
)


def diagnose(cluster: Cluster) -> str:
    """Return in one text what there is, what went wrong, and what the operator logged."""
    parts = []
    for look in LOOKS:
        done = run("kubectl", *look, env=cluster.env, check=False)
        said = (done.stdout or done.stderr).strip()
        parts.append(f"$ kubectl {' '.join(look)[:100]}\n{said[-6000:]}\n")
    return "\n".join(parts)
