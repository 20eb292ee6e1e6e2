"""The status of a workspace: a verdict on each part, and Ready as the sum of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from dspy_agent_core.contracts.cluster import AGENT_PORT, OLLAMA_PORT, ROUTER_PORT
from dspy_operator.api.workspace import Workspace
from dspy_operator.children import STATEFUL_SET, Ref, agent_name, model_name, ref, router_name
from dspy_operator.desired.common import AGENT, selector
from dspy_operator.desired.kafka import has_router
from dspy_operator.facts import Facts
from dspy_operator.lifecycle import Suspension, instant, last_activity, suspension
from dspy_operator.observe import Observed, PodFacts
from dspy_operator.settings import Settings
from dspy_operator.status.agent import agent_verdict, with_serving_pods
from dspy_operator.status.model import model_verdict
from dspy_operator.status.storage import storage_verdict
from dspy_operator.status.streaming import context_verdict, topics_verdict
from dspy_operator.status.vectors import vectors_verdict
from dspy_operator.status.verdict import (
    PROGRESS,
    SUSPENDED,
    Verdict,
    bad,
    conditions,
    good,
    timestamp,
)

CONDITIONS: Final = (
    "Ready",
    "AgentReady",
    "ModelReady",
    "TopicsReady",
    "ContextStreamReady",
    "VectorStoreReady",
    "StorageReady",
    "Suspended",
)


def status(
    workspace: Workspace,
    observed: Mapping[Ref, Observed],
    pods: Sequence[PodFacts],
    facts: Facts,
    settings: Settings,
    previous: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the whole ``status`` of ``workspace``; equal to ``previous`` where nothing changed.

    ``pods`` may be empty while everything is ready.
    """
    why, meta = suspension(workspace, facts), workspace.meta
    observed = with_serving_pods(observed, ref(STATEFUL_SET, meta.namespace, agent_name(meta.name)), pods)
    parts = _parts(workspace, observed, pods, facts, suspended=why is not None)
    ready = _ready(parts, why)
    started = _progress_started(workspace, ready, facts, previous)
    verdicts = {
        "Ready": _overdue(workspace, ready, started, facts) or ready,
        **parts,
        "Suspended": good(why.reason, why.message) if why else bad("Running", "The workspace runs."),
    }
    generation = meta.generation
    return {
        "observedGeneration": generation,
        "conditions": conditions(
            {kind: verdicts[kind] for kind in CONDITIONS}, previous, generation, facts.now
        ),
        "agent": _agent(workspace, observed, pods),
        "endpoints": _endpoints(workspace, settings),
        "lastActivityTime": timestamp(last_activity(workspace, facts)),
        "progressStartedTime": started,
    }


def _parts(
    workspace: Workspace,
    observed: Mapping[Ref, Observed],
    pods: Sequence[PodFacts],
    facts: Facts,
    *,
    suspended: bool,
) -> dict[str, Verdict]:
    meta = workspace.meta
    return {
        "StorageReady": storage_verdict(workspace, observed, facts),
        "AgentReady": agent_verdict(meta.namespace, meta.name, observed, pods, facts, suspended=suspended),
        "ModelReady": model_verdict(workspace, observed, pods, facts, suspended=suspended),
        "TopicsReady": topics_verdict(workspace, observed, pods, facts, suspended=suspended),
        "ContextStreamReady": context_verdict(workspace, observed, pods, facts, suspended=suspended),
        "VectorStoreReady": vectors_verdict(workspace, observed, pods, facts, suspended=suspended),
    }


def _ready(parts: Mapping[str, Verdict], why: Suspension | None) -> Verdict:
    if why:
        return bad(SUSPENDED, why.message)
    waiting = [verdict for verdict in parts.values() if not verdict.ready]
    return min(waiting, key=_rank) if waiting else good("Ready", "All that the spec asks for runs.")


def _overdue(workspace: Workspace, ready: Verdict, started: str, facts: Facts) -> Verdict | None:
    since, limit = instant(started), workspace.spec.progress_deadline_seconds
    if ready.reason != "Progressing" or since is None or facts.now < since + timedelta(seconds=limit):
        return None
    return bad("ProgressDeadlineExceeded", f"Not ready after {limit} seconds. {ready.message}")


def _rank(verdict: Verdict) -> int:
    """Failures first, then what is on its way."""
    return 1 if verdict.reason in PROGRESS else 0


def _progress_started(workspace: Workspace, ready: Verdict, facts: Facts, previous: Mapping[str, Any]) -> str:
    """Since when the workspace works towards being ready: a new spec, or the loss of readiness."""
    known = previous.get("progressStartedTime")
    before = {item["type"]: item for item in previous.get("conditions") or ()}.get("Ready", {})
    at_rest = before.get("status") == "True" or before.get("reason") == SUSPENDED
    same_spec = previous.get("observedGeneration") == workspace.meta.generation
    if known and (ready.ready or ready.reason == SUSPENDED or (same_spec and not at_rest)):
        return str(known)
    return timestamp(facts.now)


def _agent(
    workspace: Workspace, observed: Mapping[Ref, Observed], pods: Sequence[PodFacts]
) -> dict[str, Any]:
    meta = workspace.meta
    workload = observed.get(ref(STATEFUL_SET, meta.namespace, agent_name(meta.name)))
    labels = selector(meta.name, AGENT)
    result: dict[str, Any] = {
        "replicas": workload.current_replicas if workload else 0,
        "readyReplicas": workload.ready_replicas if workload else 0,
        "selector": ",".join(f"{name}={value}" for name, value in labels.items()),
    }
    serving = sorted(pod.name for pod in pods if pod.component == AGENT and pod.serves)
    if serving:
        result["podName"] = serving[0]
    elif workload and 0 < workload.replicas == workload.ready_replicas:
        result["podName"] = f"{agent_name(meta.name)}-0"
    return result


def _endpoints(workspace: Workspace, settings: Settings) -> list[dict[str, str]]:
    meta, model = workspace.meta, workspace.spec.model

    def url(service: str, port: int) -> str:
        return f"http://{service}.{meta.namespace}.svc.{settings.cluster_domain}:{port}"

    found = [{"name": "agent", "url": url(agent_name(meta.name), AGENT_PORT)}]
    if model.ollama:
        found.append({"name": "model", "url": url(model_name(meta.name), OLLAMA_PORT)})
    if model.open_ai_compatible:
        found.append({"name": "model", "url": model.open_ai_compatible.base_url})
    if workspace.spec.streaming and has_router(workspace.spec.streaming):
        found.append({"name": "router", "url": url(router_name(meta.name), ROUTER_PORT)})
    if workspace.spec.vector_store.milvus:
        found.append({"name": "vectors", "url": workspace.spec.vector_store.milvus.uri})
    return found
