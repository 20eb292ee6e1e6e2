"""The streams' programs: context job, workers and router, all of the agent's image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from dspy_agent_core.contracts.cluster import ROUTER_PORT, STREAM_PORT
from dspy_operator.api.streaming import StreamingSpec
from dspy_operator.api.types import Resources
from dspy_operator.children import DEPLOYMENT, SERVICE, Child, context_name, router_name, worker_name
from dspy_operator.desired.common import CONTEXT, ROUTER, WORKER, Context, child, labels, selector
from dspy_operator.desired.environment import model_variables, secret_variables
from dspy_operator.desired.kafka import stream_variables
from dspy_operator.desired.pods import (
    TMP_MOUNT,
    TMP_VOLUME,
    agent_image,
    harden,
    http_probe,
    pod_defaults,
    resources,
)

_REQUESTS: Final = {"cpu": "50m", "memory": "128Mi"}
_LIMITS: Final = {"memory": "1Gi"}


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the streams; ``port`` serves /healthz and /readyz."""

    component: str
    arguments: tuple[str, ...]
    port: int
    resources: Resources | None = None
    variables: list[dict[str, Any]] = field(default_factory=list)


def build_streams(context: Context) -> list[Child]:
    """Return the Deployments of the streams' programs and the router's Service; none without an app."""
    streaming = context.spec.streaming
    if streaming is None or not streaming.apps:
        return []
    return [
        *build_router_service(context, streaming),
        _deployment(context, context_name(context.name), streaming.context_job.replicas, _light(streaming)),
        _deployment(context, worker_name(context.name), streaming.worker.replicas, _worker(context)),
        _deployment(context, router_name(context.name), streaming.router.replicas, _router()),
    ]


def build_router_service(context: Context, streaming: StreamingSpec) -> list[Child]:
    """Return the Service by which the agent asks the router; none without a router."""
    if not streaming.router.replicas:
        return []
    spec = {
        "selector": selector(context.name, ROUTER),
        "ports": [{"name": "http", "port": ROUTER_PORT, "targetPort": ROUTER_PORT, "protocol": "TCP"}],
    }
    return [child(context, SERVICE, router_name(context.name), ROUTER, {"spec": spec})]


def _light(streaming: StreamingSpec) -> Program:
    return Program(CONTEXT, ("ctx", *_HTTP), STREAM_PORT, streaming.context_job.resources)


def _worker(context: Context) -> Program:
    model = [{"name": name, "value": value} for name, value in model_variables(context).items()]
    return Program(WORKER, ("worker", *_HTTP), STREAM_PORT, variables=[*model, *secret_variables(context)])


def _router() -> Program:
    return Program(ROUTER, ("router", "--host", "0.0.0.0"), ROUTER_PORT)  # noqa: S104  its NetworkPolicy binds it


_HTTP: Final = ("--http-port", str(STREAM_PORT))


def _deployment(context: Context, name: str, replicas: int, program: Program) -> Child:
    spec = {
        "replicas": 0 if context.suspended else replicas,
        "revisionHistoryLimit": 3,
        # Said in full: what is ours goes again with a change of the type.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "selector": {"matchLabels": selector(context.name, program.component)},
        "template": {
            "metadata": {"labels": labels(context.name, program.component)},
            "spec": harden(
                {
                    **pod_defaults(context),
                    "terminationGracePeriodSeconds": 30,
                    "containers": [_container(context, program)],
                    "volumes": [TMP_VOLUME],
                }
            ),
        },
    }
    return child(context, DEPLOYMENT, name, program.component, {"spec": spec})


def _container(context: Context, program: Program) -> dict[str, Any]:
    values = {**stream_variables(context), "HOME": TMP_MOUNT["mountPath"]}
    return {
        "name": program.component,
        **agent_image(context),
        "command": ["dspy-agent", "stream", *program.arguments],
        "env": [*({"name": name, "value": value} for name, value in values.items()), *program.variables],
        "ports": [{"name": "http", "containerPort": program.port, "protocol": "TCP"}],
        "startupProbe": http_probe("/healthz", program.port, period=2, failures=60),
        "readinessProbe": http_probe("/readyz", program.port, period=5),
        "livenessProbe": http_probe("/healthz", program.port, period=10, failures=6),
        "resources": resources(program.resources, _REQUESTS, _LIMITS),
        "volumeMounts": [TMP_MOUNT],
    }
