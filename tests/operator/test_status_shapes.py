"""Whatever the cluster looks like, the status has one shape, and a second look at it changes nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.contracts.cluster import PullProgress, Termination
from dspy_operator.api.status import WorkspaceStatus
from dspy_operator.facts import Event, Facts, Refusal
from dspy_operator.status.workspace import CONDITIONS
from tests.operator.build import NOW, Scene, ended, facts, waiting

SPECS: list[dict[str, Any]] = [
    {},
    {"model": {"ollama": {"model": "m"}}, "storage": {"retainPolicy": "Retain"}},
    {"source": {"pvc": {"claimName": "c"}}, "operatingMode": "Suspended"},
    {"streaming": {"kafka": {"strimzi": {"cluster": "k"}}}, "lifecycle": {"idleTimeoutSeconds": 60}},
    {
        "streaming": {"kafka": {"bootstrapServers": "k:9092"}, "apps": [{"name": "web"}]},
        "vectorStore": {"milvus": {"uri": "http://a/b"}},
    },
    {
        "streaming": {
            "kafka": {"strimzi": {"cluster": "k"}},
            "apps": [{"name": "web"}],
            "contextJob": {"engine": "Spark", "checkpointStorage": {"accessModes": ["ReadWriteMany"]}},
        }
    },
]
WORDS = st.text(max_size=2000) | st.sampled_from(["exceeded quota", "secret not found", "https://a:b@c/"])
REASONS = st.sampled_from(
    ["ErrImagePull", "CrashLoopBackOff", "CreateContainerConfigError", "FailedCreate", ""]
)
COUNTS = st.integers(0, 3)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    scene = Scene(draw(st.sampled_from(SPECS)), generation=draw(st.integers(1, 3)))
    for ref, live in list(scene.live.items()):
        what = draw(st.sampled_from(["there", "there", "gone", "ending", "foreign", "edited", "waiting"]))
        if live is None or what == "gone":
            scene.live[ref] = None
            continue
        if what == "ending":
            live["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
        if what == "foreign":
            live["metadata"]["ownerReferences"] = []
        if what == "edited":
            live["metadata"]["labels"] = {}
        if what == "waiting":
            live["status"] = {"phase": "Pending", "replicas": draw(COUNTS), "readyReplicas": draw(COUNTS)}
    for component in ("agent", "model", "topics", "context", "vectors"):
        container = waiting(component, draw(REASONS), draw(WORDS), restartCount=draw(COUNTS))
        container["lastState"] = ended(draw(COUNTS), message=draw(WORDS))
        scene.pod(component, containers=[container], unschedulable=draw(st.just("") | WORDS))
    refs = st.sampled_from(list(scene.live))
    scene.facts = Facts(
        NOW,
        refusals=draw(
            st.dictionaries(refs, st.builds(Refusal, st.sampled_from([403, 409, 422]), WORDS), max_size=1)
        ),
        events=draw(st.dictionaries(refs, st.tuples(st.builds(Event, REASONS, WORDS)), max_size=2)),
        pull=draw(
            st.none()
            | st.builds(PullProgress, st.sampled_from(["pulling", "failed", "ready"]), WORDS, COUNTS, COUNTS)
        ),
        vectors=draw(st.none() | st.builds(Termination, WORDS, WORDS)),
    )
    return scene


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_shape(scene: Scene) -> None:
    found = scene.status()
    WorkspaceStatus.model_validate(found)
    assert [item["type"] for item in found["conditions"]] == list(CONDITIONS)
    assert all(
        item["reason"] and item["message"] and "a:b@" not in item["message"] for item in found["conditions"]
    )
    parts = {item["type"]: item["status"] for item in found["conditions"]}
    suspended = parts.pop("Suspended") == "True"
    ready = parts.pop("Ready") == "True"
    assert ready == (not suspended and set(parts.values()) == {"True"})


@settings(max_examples=80, deadline=None)
@given(scenes())
def test_a_second_look_changes_nothing(scene: Scene) -> None:
    first = scene.status()
    scene.workspace = dataclasses.replace(scene.workspace, status=first)
    scene.facts = dataclasses.replace(scene.facts, now=facts(20).now)
    assert scene.status(first) == first
