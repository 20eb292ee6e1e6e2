"""The streams' programs: context job, workers and router, with the router's Service."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dspy_agent_core.contracts.cluster import ROUTER_PORT, STREAM_PORT
from dspy_operator.api.streaming import StreamingSpec
from dspy_operator.children import SERVICE, Child, context_name, router_name, worker_name
from dspy_operator.desired.common import CONTEXT, ROUTER, WORKER, Context, child, selector
from dspy_operator.desired.environment import model_variables, secret_variables
from dspy_operator.desired.kafka import stream_variables
from dspy_operator.desired.pods import agent_image, resources
from dspy_operator.desired.programs import AT_HOME, Program, build_program, plain
from dspy_operator.desired.spark import (
    CHECKPOINT_MOUNT,
    build_application,
    checkpoint_mount_volume,
    spark_command,
    spark_image,
    takes_application,
)

_HTTP: Final = ("--http-port", str(STREAM_PORT))


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
    return Program(
        WORKER,
        agent_image(context),
        ("dspy-agent", "stream", "worker", *_HTTP),
        STREAM_PORT,
        resources(None, {"cpu": "50m", "memory": "128Mi"}, {"memory": "1Gi"}),
        variables=[*plain(model_variables(context)), *secret_variables(context)],
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
    variables = plain({**stream_variables(context), **AT_HOME})
    return build_program(
        context, name, replicas, replace(program, variables=[*variables, *program.variables])
    )
