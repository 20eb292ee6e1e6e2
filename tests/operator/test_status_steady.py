"""While a failure lasts, the status stays as it is: retries, counts and back-off times change nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dspy_operator.facts import Event, Refusal
from dspy_operator.status.steady import pull_cause, steady, unschedulable
from tests.operator.build import Scene, ended, facts, waiting

OLLAMA = {"model": {"ollama": {"model": "qwen3:1.7b"}}}
PULL = 'failed to pull and unpack image "docker.io/library/x:1": failed to resolve reference: '
BACK_OFF = 'Back-off pulling image "x:1"'
LOOKUP = "dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: "
START = 'OCI runtime create failed: runc create failed: exec: "nope": executable file not found in $PATH'

NEVER_RAN = ended(128, "StartError", START)


def loop(seconds: int, restarts: int) -> dict[str, Any]:
    words = f"back-off {seconds}s restarting failed container=agent pod=demo-agent-0_team(uid)"
    return waiting("agent", "CrashLoopBackOff", words, restartCount=restarts, lastState=ended(1, "Error"))


def started_again(restarts: int) -> dict[str, Any]:
    return {
        "name": "agent",
        "ready": False,
        "restartCount": restarts,
        "state": {"running": {}},
        "lastState": ended(1, "Error"),
    }


@pytest.mark.parametrize(
    "states",
    [
        [
            waiting("agent", "ErrImagePull", f"{LOOKUP}read udp 10.1.1.2:39573->10.0.0.1:53: i/o timeout"),
            waiting("agent", "ImagePullBackOff", f"{BACK_OFF}: ErrImagePull: {PULL}{LOOKUP}no such host"),
            waiting("agent", "ImagePullBackOff", BACK_OFF),
        ],
        [loop(10, 1), started_again(2), loop(20, 2), loop(300, 9)],
        [
            waiting("agent", "RunContainerError", START),
            waiting("agent", "CrashLoopBackOff", "back-off 10s", restartCount=2, lastState=NEVER_RAN),
            {"name": "agent", "ready": False, "restartCount": 3, "state": NEVER_RAN},
        ],
    ],
    ids=["image", "crash", "start"],
)
def test_states_that_alternate_are_one_status(states: list[dict[str, Any]]) -> None:
    found = []
    previous: dict[str, Any] = {}
    for state in states:
        scene = Scene()
        scene.unready()
        scene.pod(containers=[state])
        previous = scene.status(previous)
        found.append(previous)
    assert all(status == found[0] for status in found)


def test_a_vague_message_does_not_outlive_the_spec_that_it_was_about() -> None:
    scene = Scene()
    scene.unready()
    scene.pod(containers=[waiting("agent", "ErrImagePull", "not found")])
    before = scene.status()
    for condition in before["conditions"]:
        condition["observedGeneration"] = 0
    scene.pods.clear()
    scene.pod(containers=[waiting("agent", "ImagePullBackOff", "Back-off pulling image")])
    ready = next(item for item in scene.status(before)["conditions"] if item["type"] == "Ready")
    assert "no such image" not in ready["message"]


def test_pods_of_the_model_have_no_name_that_stays() -> None:
    told = set()
    for name in ("demo-model-7d9f8b6c5d-x8k2p", "demo-model-7d9f8b6c5d-zz9qq"):
        scene = Scene(OLLAMA)
        scene.unready("Deployment", "model")
        scene.pod("model", containers=[waiting("ollama", "ErrImagePull", "not found")])
        scene.pods = [dataclasses.replace(scene.pods[0], name=name)]
        told.add(scene.condition("ModelReady")["message"])
    assert len(told) == 1
    assert "deployment/demo-model" in told.pop()


def test_a_quota_that_others_use_as_well() -> None:
    told = set()
    for used in ("pods=2,cpu=1", "pods=3,cpu=1500m"):
        words = 'pods "demo-agent-0" is forbidden: exceeded quota: q, requested: pods=1, used: '
        words += f"{used}, limited: pods=3"
        scene = Scene()
        scene.unready(replicas=0)
        scene.facts = facts(events={scene.ref("StatefulSet", "agent"): (Event("FailedCreate", words),)})
        told.add(scene.condition("AgentReady")["message"])
        claim = scene.ref("PersistentVolumeClaim", "workspace")
        scene.facts = facts(refusals={claim: Refusal(403, words)})
        told.add(scene.condition("StorageReady")["message"].split("was refused: ")[-1])
    assert told == {"pods is forbidden: exceeded quota: q, requested: pods=1, limited: pods=3"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "0/3 nodes are available: 1 Insufficient memory, 2 Insufficient cpu. preemption: 0/3 nodes are "
            "available: 3 No preemption victims found for incoming pod.",
            "Insufficient cpu, Insufficient memory.",
        ),
        (
            "0/4 nodes are available: 2 Insufficient cpu, 2 Insufficient memory. no new claims to deallocate,"
            " preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
            "Insufficient cpu, Insufficient memory.",
        ),
        (
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
            "node(s) didn't match Pod's node affinity/selector.",
        ),
        ("no nodes available to schedule pods", "no nodes available to schedule pods"),
    ],
)
def test_the_scheduler_without_its_counts(words: str, told: str) -> None:
    assert unschedulable(words) == told


def test_words_that_change_with_every_try() -> None:
    first = "Failed to connect to git port 80 after 3 ms; sandbox " + "0a" * 32
    second = "Failed to connect to git port 80 after 12 ms; sandbox " + "1b" * 32
    assert steady(first) == steady(second)
    full = "fatal: cannot copy to '/workspace/.clone-{}/.git/info': No space left on device"
    assert steady(full.format("uj3m1uix")) == steady(full.format("44jc4y_7"))
    assert steady("exit code 3, see port 8080") == "exit code 3, see port 8080"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (f"{PULL}docker.io/library/x:1: not found", "no such image or tag"),
        (f"{PULL}pull access denied, repository does not exist or may require authorization: "
         "server message: insufficient_scope: authorization failed", "or it needs a pull secret"),
        (f"{PULL}unexpected status: 401 Unauthorized", "wants a pull secret"),
        (f"{PULL}429 Too Many Requests - toomanyrequests", "limits how often"),
        (f"{PULL}{LOOKUP}no such host", "can't be reached"),
        ("write /var/lib/containerd/x: no space left on device", "disk is full"),
    ],
)  # fmt: skip
def test_causes_of_a_failed_pull(words: str, cause: str) -> None:
    assert cause in pull_cause("ErrImagePull", words)
