"""Programs of ours in Deployments of their own: those of the streams, and the watch on the vector store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dspy_operator.children import DEPLOYMENT, Child
from dspy_operator.desired.common import Context, child, labels, selector
from dspy_operator.desired.pods import TMP_MOUNT, TMP_VOLUME, harden, http_probe, pod_defaults

AT_HOME: Final = {"HOME": TMP_MOUNT["mountPath"]}  # the only folder that they may write
# Said in full: with a change of the type, what is ours goes again.
_ROLLING: Final = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


@dataclass(frozen=True, slots=True)
class Program:
    """One program; ``port`` serves /healthz and /readyz, within ``start`` seconds."""

    component: str
    image: dict[str, str]
    command: tuple[str, ...]
    port: int
    resources: dict[str, Any]
    variables: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    mounts: list[dict[str, Any]] = field(default_factory=list)
    strategy: dict[str, Any] = field(default_factory=lambda: _ROLLING)
    start: int = 120


def plain(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return ``values`` as variables of a container."""
    return [{"name": name, "value": value} for name, value in values.items()]


def build_program(context: Context, name: str, replicas: int, program: Program) -> Child:
    """Return the Deployment ``name`` of a program; without pods while the workspace is suspended."""
    pod = {
        **pod_defaults(context),
        "terminationGracePeriodSeconds": 30,
        "containers": [_container(program)],
        "volumes": [TMP_VOLUME, *program.volumes],
    }
    spec = {
        "replicas": 0 if context.suspended else replicas,
        "revisionHistoryLimit": 3,
        "strategy": program.strategy,
        "selector": {"matchLabels": selector(context.name, program.component)},
        "template": {
            "metadata": {"labels": labels(context.name, program.component)},
            "spec": harden(pod),
        },
    }
    return child(context, DEPLOYMENT, name, program.component, {"spec": spec})


def _container(program: Program) -> dict[str, Any]:
    return {
        "name": program.component,
        **program.image,
        "command": list(program.command),
        "env": program.variables,
        "ports": [{"name": "http", "containerPort": program.port, "protocol": "TCP"}],
        "startupProbe": http_probe("/healthz", program.port, period=2, failures=program.start // 2),
        "readinessProbe": http_probe("/readyz", program.port, period=5),
        "livenessProbe": http_probe("/healthz", program.port, period=10, failures=6),
        "resources": program.resources,
        "volumeMounts": [TMP_MOUNT, *program.mounts],
    }
