"""ModelReady: whether there is a model to ask, and how far its pull is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dspy_agent_core.contracts.cluster import PullProgress
from dspy_operator.api.workspace import Workspace
from dspy_operator.children import DEPLOYMENT, NETWORK_POLICY, SERVICE, Ref, model_name, ref
from dspy_operator.facts import Facts
from dspy_operator.observe import Observed, PodFacts
from dspy_operator.status.agent import rolled_out, running, suspended_verdict
from dspy_operator.status.children import trouble
from dspy_operator.status.pods import pod_trouble, workload_trouble
from dspy_operator.status.verdict import NOT_REQUESTED, Verdict, bad, good


def model_verdict(
    workspace: Workspace,
    observed: Mapping[Ref, Observed],
    pods: Iterable[PodFacts],
    facts: Facts,
    *,
    suspended: bool,
) -> Verdict:
    """Return whether the model is served; one outside the cluster is taken as it is."""
    model = workspace.spec.model
    if model.open_ai_compatible:
        return good("External", f"The agent asks {model.open_ai_compatible.base_url}; nothing to set up.")
    if model.ollama is None:
        return good(NOT_REQUESTED, "The spec asks for no model.")
    meta = workspace.meta
    refs = [
        ref(kind, meta.namespace, model_name(meta.name)) for kind in (NETWORK_POLICY, SERVICE, DEPLOYMENT)
    ]
    wrong = trouble((observed[key] for key in refs if key in observed), facts)
    workload = observed.get(refs[-1])
    if wrong or workload is None:
        return wrong or bad("Progressing", "The model server is being set up.")
    if suspended:
        return suspended_verdict(workload)
    if rolled_out(workload):
        return running(workload, "model")
    moving = facts.pull if facts.pull and facts.pull.status == "pulling" else None
    if moving and moving.completed:
        return bad("PullingModel", _progress(moving))
    return (
        pod_trouble(pod for pod in pods if pod.component == "model")
        or workload_trouble(workload, facts.events.get(workload.ref, ()))
        or _pull_verdict(facts.pull)
        or bad("Progressing", "The model server is starting.")
    )


def _pull_verdict(pull: PullProgress | None) -> Verdict | None:
    if pull is None or pull.status == "ready":
        return None
    if pull.status == "failed":
        return bad(pull.reason or "PullFailed", pull.message or f"Pulling {pull.model} failed.")
    return bad("PullingModel", _progress(pull))


def _progress(pull: PullProgress) -> str:
    if pull.total <= 0:
        return f"Pulling {pull.model}."
    percent = min(100, pull.completed * 100 // pull.total)
    return f"Pulling {pull.model}: {percent}% of {_size(pull.total)}."


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
