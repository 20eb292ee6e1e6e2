"""TopicsReady and ContextStreamReady: whether the streams have their topics, and their programs run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dspy_operator.api.workspace import Workspace
from dspy_operator.children import (
    BATCH_JOB,
    CLAIM,
    DEPLOYMENT,
    KAFKA_TOPIC,
    SPARK_APPLICATION,
    Ref,
    context_name,
    ref,
    stream_refs,
    topics_name,
)
from dspy_operator.desired.common import CONTEXT, TOPICS
from dspy_operator.facts import Facts
from dspy_operator.observe import Observed, PodFacts
from dspy_operator.status.agent import rolled_out, suspended_verdict
from dspy_operator.status.children import left_over, trouble
from dspy_operator.status.pods import pod_trouble, workload_trouble
from dspy_operator.status.steady import steady
from dspy_operator.status.verdict import NOT_REQUESTED, SUSPENDED, Verdict, bad, good


def topics_verdict(
    workspace: Workspace,
    observed: Mapping[Ref, Observed],
    pods: Sequence[PodFacts],
    facts: Facts,
    *,
    suspended: bool,
) -> Verdict:
    """Return whether the topics are as asked: as their KafkaTopics or the Job that makes them say."""
    streaming = workspace.spec.streaming
    if streaming is None:
        return good(NOT_REQUESTED, "The spec asks for no streaming.")
    if streaming.kafka.strimzi:
        return _kafka_topics(streaming.kafka.strimzi.cluster, observed, facts)
    meta = workspace.meta
    job = observed.get(ref(BATCH_JOB, meta.namespace, topics_name(meta.name)))
    wrong = trouble([job] if job else [], facts)
    if wrong or job is None:
        return wrong or bad("Progressing", "The topics are being set up.")
    if job.outcome == "True":
        return good("TopicsMade", f"All topics are there: Job {job.ref.name} made or checked them.")
    if suspended:
        return bad(SUSPENDED, "Suspended: the topics are made when the workspace is resumed.")
    return (
        pod_trouble(pod for pod in pods if pod.component == TOPICS)
        or workload_trouble(job, facts.events.get(job.ref, ()))
        or _failed_job(job)
        or bad("Progressing", f"Job {job.ref.name} makes the topics.")
    )


def context_verdict(
    workspace: Workspace,
    observed: Mapping[Ref, Observed],
    pods: Sequence[PodFacts],
    facts: Facts,
    *,
    suspended: bool,
) -> Verdict:
    """Return whether context job, workers and router run."""
    meta, streaming = workspace.meta, workspace.spec.streaming
    children = [observed[key] for key in stream_refs(meta.namespace, meta.name) if key in observed]
    if streaming is None:
        return left_over(children, facts) or good(NOT_REQUESTED, "The spec asks for no streaming.")
    parts = [child for child in children if child.ref.kind not in (BATCH_JOB.kind, CLAIM.kind)]
    wrong = trouble(parts, facts)
    if wrong:
        return wrong
    if not streaming.apps:
        return good("NoApps", "The spec names no app whose logs stream.")
    key = ref(SPARK_APPLICATION, meta.namespace, context_name(meta.name))
    spark = [observed[key]] if key in observed and observed[key].wanted else []
    wrong = trouble(spark, facts)
    if wrong:
        return wrong
    workloads = [child for child in parts if child.ref.kind == DEPLOYMENT.kind and child.wanted]
    if not workloads:
        return bad("Progressing", "The context stream is being set up.")
    if suspended:
        stopping = max(workloads, key=lambda workload: workload.current_replicas)
        return suspended_verdict(stopping)
    for application in spark:
        if application.outcome != "True":
            return _spark_starting(application, pods)
    for workload in workloads:
        if not rolled_out(workload):
            return _starting(workload, pods, facts)
    return good("Running", f"{_counts(workloads)} pods are ready.")


def _kafka_topics(cluster: str, observed: Mapping[Ref, Observed], facts: Facts) -> Verdict:
    if KAFKA_TOPIC not in facts.served:
        return bad(
            "StrimziNotInstalled",
            f"The cluster has no KafkaTopic ({KAFKA_TOPIC.api_version}): install Strimzi,"
            " or name kafka.bootstrapServers instead.",
        )
    topics = [child for key, child in observed.items() if key.kind == KAFKA_TOPIC.kind and child.wanted]
    wrong = trouble(topics, facts)
    if wrong or not topics:
        return wrong or bad("Progressing", "The topics are being set up.")
    told = [topic for topic in topics if topic.observed_generation >= topic.generation]
    ready = sum(topic.outcome == "True" for topic in told)
    count = f"{ready} of {len(topics)} topics are ready"
    if ready == len(topics):
        return good("TopicsReady", f"{count}.")
    failed = next((topic for topic in told if topic.outcome == "False"), None)
    if failed:
        why = steady(failed.outcome_message) or failed.outcome_reason
        return bad(failed.outcome_reason or "TopicFailed", f'{count}; KafkaTopic "{failed.ref.name}": {why}')
    return bad("Progressing", f"{count}; the Topic Operator of Kafka cluster {cluster} has not answered yet.")


def _failed_job(job: Observed) -> Verdict | None:
    if job.outcome != "False":
        return None
    message = f"Job {job.ref.name} failed: {steady(job.outcome_message) or job.outcome_reason}"
    return bad(job.outcome_reason or "TopicsFailed", f"{message} It is made anew from time to time.")


def _starting(workload: Observed, pods: Iterable[PodFacts], facts: Facts) -> Verdict:
    component = workload.ref.name.rpartition("-")[2]
    return (
        pod_trouble(pod for pod in pods if pod.component == component)
        or workload_trouble(workload, facts.events.get(workload.ref, ()))
        or bad("Progressing", f"{_counts([workload])} pods are ready.")
    )


def _spark_starting(application: Observed, pods: Iterable[PodFacts]) -> Verdict:
    name, state = application.ref.name, application.outcome_reason
    if application.outcome == "False":
        why = steady(application.outcome_message) or f"its state is {state}"
        return bad("SparkApplicationFailed", f"SparkApplication {name}: {why}")
    return pod_trouble(pod for pod in pods if pod.component == CONTEXT) or bad(
        "Progressing", f"SparkApplication {name} is starting{f' ({state})' if state else ''}."
    )


def _counts(workloads: Iterable[Observed]) -> str:
    return ", ".join(
        f"{workload.ready_replicas} of {workload.replicas} {workload.ref.name.rpartition('-')[2]}"
        for workload in workloads
    )
