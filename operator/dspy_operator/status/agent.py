"""AgentReady: whether the agent's pods run what this generation of the spec asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from dspy_operator.children import (
    CONFIG_MAP,
    NETWORK_POLICY,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Ref,
    agent_name,
    ref,
)
from dspy_operator.desired.common import AGENT
from dspy_operator.facts import Facts
from dspy_operator.observe import Observed, PodFacts
from dspy_operator.status.children import trouble
from dspy_operator.status.pods import pod_trouble, workload_trouble
from dspy_operator.status.verdict import SUSPENDED, Verdict, bad, good

_KINDS = (SERVICE_ACCOUNT, CONFIG_MAP, NETWORK_POLICY, SERVICE, STATEFUL_SET)


def agent_verdict(
    namespace: str,
    name: str,
    observed: Mapping[Ref, Observed],
    pods: Iterable[PodFacts],
    facts: Facts,
    *,
    suspended: bool,
) -> Verdict:
    """Return whether the rollout of the agent's StatefulSet is complete, or what keeps it."""
    refs = [ref(kind, namespace, agent_name(name)) for kind in _KINDS]
    wrong = trouble((observed[key] for key in refs if key in observed), facts)
    workload = observed.get(refs[-1])
    if wrong or workload is None:
        return wrong or bad("Progressing", "The agent is being set up.")
    if suspended:
        return suspended_verdict(workload)
    if rolled_out(workload):
        return running(workload, "agent")
    return (
        pod_trouble(pod for pod in pods if pod.component == AGENT)
        or workload_trouble(workload, facts.events.get(workload.ref, ()))
        or bad("Progressing", f"{workload.ready_replicas} of {workload.replicas} agent pods are ready.")
    )


def with_serving_pods(
    observed: Mapping[Ref, Observed], agent: Ref, pods: Iterable[PodFacts]
) -> Mapping[Ref, Observed]:
    """Return ``observed`` with the pods that serve counted as ready in the agent's StatefulSet.

    Kubernetes calls a pod whose trainer restarts not ready; sessions in it go on.
    """
    workload = observed.get(agent)
    serving = sum(pod.component == AGENT and pod.serves for pod in pods)
    if workload is None or serving <= workload.ready_replicas:
        return observed
    ready = min(serving, workload.current_replicas)
    return {**observed, agent: dataclasses.replace(workload, ready_replicas=ready)}


def rolled_out(workload: Observed) -> bool:
    """Whether all pods are of the newest revision, and ready."""
    wanted = workload.replicas
    return (
        workload.observed_generation >= workload.generation
        and workload.revision_settled
        and workload.current_replicas == wanted
        and workload.updated_replicas == wanted
        and workload.ready_replicas == wanted
    )


def running(workload: Observed, what: str) -> Verdict:
    """Return the verdict on a complete rollout."""
    if workload.replicas == 0:
        return good("ScaledToZero", f"The spec asks for no {what} pods.")
    return good("Running", f"{workload.ready_replicas} of {workload.replicas} {what} pods are ready.")


def suspended_verdict(workload: Observed) -> Verdict:
    """Return the verdict on a workload without pods, or on its way there."""
    if workload.current_replicas:
        return bad(SUSPENDED, f"Suspended; {workload.current_replicas} pods are still stopping.")
    return bad(SUSPENDED, "Suspended: no pods run.")
