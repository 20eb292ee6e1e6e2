"""The streams' programs: context job, workers and router, with the router's Service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from dspy_agent_core.contracts.cluster import ROUTER_PORT, STREAM_PORT
from dspy_operator.api.streaming import StreamingSpec
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
from dspy_operator.desired.spark import (
    CHECKPOINT_MOUNT,
    build_application,
    checkpoint_mount_volume,
    spark_command,
    spark_image,
    takes_application,
)

_HTTP: Final = ("--http-port", str(STREAM_PORT))
# Said in full: with a change of the type, what is ours goes again.
_ROLLING: Final = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the streams; ``port`` serves /healthz and /readyz, within ``start`` seconds."""

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


def build_streams(context: Context) -> list[Child]:
    """Return the streams' programs and the router's Service; none without an app."""
    streaming = context.spec.streaming
    if streaming is None or not streaming.apps:
        return []
    workers, routers = streaming.worker.replicas, streaming.router.replicas
    return [
        *_router_service(context, streaming),
        *_context_job(context, streaming),
        _deployment(context, worker_name(context.name), workers, _worker(context)),
        _deployment(context, router_name(context.name), routers, _router(context)),
    ]


def _router_service(context: Context, streaming: StreamingSpec) -> list[Child]:
    if not streaming.router.replicas:
        return []
    spec = {
        "selector": selector(context.name, ROUTER),
        "ports": [{"name": "http", "port": ROUTER_PORT, "targetPort": ROUTER_PORT, "protocol": "TCP"}],
    }
    return [child(context, SERVICE, router_name(context.name), ROUTER, {"spec": spec})]


def _context_job(context: Context, streaming: StreamingSpec) -> list[Child]:
    job, name = streaming.context_job, context_name(context.name)
    if job.engine == "Light":
        return [_deployment(context, name, job.replicas, _light(context, streaming))]
    if takes_application(context, streaming):
        return build_application(context, streaming)
    # One driver: its threads stand in for executors.
    return [_deployment(context, name, min(1, job.replicas), _spark(context, streaming))]


def _light(context: Context, streaming: StreamingSpec) -> Program:
    return Program(
        CONTEXT,
        agent_image(context),
        ("dspy-agent", "stream", "ctx", *_HTTP),
        STREAM_PORT,
        resources(streaming.context_job.resources, {"cpu": "50m", "memory": "128Mi"}, {"memory": "1Gi"}),
    )


def _spark(context: Context, streaming: StreamingSpec) -> Program:
    job = streaming.context_job
    return Program(
        CONTEXT,
        spark_image(context),
        spark_command(f"local[{max(1, job.replicas)}]"),
        STREAM_PORT,
        resources(job.resources, {"cpu": "250m", "memory": "768Mi"}, {"memory": "1536Mi"}),
        volumes=[checkpoint_mount_volume(context)],
        mounts=[CHECKPOINT_MOUNT],
        strategy={"type": "Recreate"},  # two drivers must not write one checkpoint
        start=300,
    )


def _worker(context: Context) -> Program:
    model = [{"name": name, "value": value} for name, value in model_variables(context).items()]
    return Program(
        WORKER,
        agent_image(context),
        ("dspy-agent", "stream", "worker", *_HTTP),
        STREAM_PORT,
        resources(None, {"cpu": "50m", "memory": "128Mi"}, {"memory": "1Gi"}),
        variables=[*model, *secret_variables(context)],
    )


def _router(context: Context) -> Program:
    return Program(
        ROUTER,
        agent_image(context),
        ("dspy-agent", "stream", "router", "--host", "0.0.0.0"),  # noqa: S104  its NetworkPolicy binds it
        ROUTER_PORT,
        resources(None, {"cpu": "50m", "memory": "128Mi"}, {"memory": "1Gi"}),
    )


def _deployment(context: Context, name: str, replicas: int, program: Program) -> Child:
    pod = {
        **pod_defaults(context),
        "terminationGracePeriodSeconds": 30,
        "containers": [_container(context, program)],
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


def _container(context: Context, program: Program) -> dict[str, Any]:
    values = {**stream_variables(context), "HOME": TMP_MOUNT["mountPath"]}
    return {
        "name": program.component,
        **program.image,
        "command": list(program.command),
        "env": [*({"name": name, "value": value} for name, value in values.items()), *program.variables],
        "ports": [{"name": "http", "containerPort": program.port, "protocol": "TCP"}],
        "startupProbe": http_probe("/healthz", program.port, period=2, failures=program.start // 2),
        "readinessProbe": http_probe("/readyz", program.port, period=5),
        "livenessProbe": http_probe("/healthz", program.port, period=10, failures=6),
        "resources": program.resources,
        "volumeMounts": [TMP_MOUNT, *program.mounts],
    }
