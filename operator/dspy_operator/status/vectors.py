"""VectorStoreReady: whether the agent's vector store answers, as a real connection says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dspy_operator.api.workspace import Workspace
from dspy_operator.children import DEPLOYMENT, Ref, ref, vector_refs, vectors_name
from dspy_operator.desired.common import VECTORS
from dspy_operator.facts import Facts
from dspy_operator.observe import Observed, PodFacts
from dspy_operator.status.agent import rolled_out, suspended_verdict
from dspy_operator.status.children import left_over, trouble
from dspy_operator.status.pods import pod_trouble, workload_trouble
from dspy_operator.status.verdict import LOCAL, NOT_REQUESTED, Verdict, bad, good


def vectors_verdict(
    workspace: Workspace,
    observed: Mapping[Ref, Observed],
    pods: Sequence[PodFacts],
    facts: Facts,
    *,
    suspended: bool,
) -> Verdict:
    """Return whether the store can be used; the pod that watches it says why not."""
    meta, store = workspace.meta, workspace.spec.vector_store
    children = [observed[key] for key in vector_refs(meta.namespace, meta.name) if key in observed]
    if store.milvus is None:
        here = good(LOCAL, "Milvus Lite keeps vectors in a file beside the agent's index.")
        none = good(NOT_REQUESTED, "The spec asks for no vector store: vectors are part of the local index.")
        return left_over(children, facts) or (here if store.milvus_lite else none)
    wrong = trouble(children, facts)
    watch = observed.get(ref(DEPLOYMENT, meta.namespace, vectors_name(meta.name)))
    if wrong or watch is None:
        return wrong or bad("Progressing", "The watch on the vector store is being set up.")
    if suspended:
        return suspended_verdict(watch)
    if rolled_out(watch):
        return good("Connected", f"{store.milvus.uri} answers.")
    if facts.vectors:
        return bad(facts.vectors.reason, facts.vectors.message)
    return (
        pod_trouble(pod for pod in pods if pod.component == VECTORS)
        or workload_trouble(watch, facts.events.get(watch.ref, ()))
        or bad("Progressing", f"Connecting to {store.milvus.uri}.")
    )
