"""How a live object stands to what we want."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_operator.children import possible_refs
from dspy_operator.observe import State, observe, observe_pod
from dspy_operator.settings import Settings
from tests.operator.build import UID, Scene, children, live, pod, waiting

CONFIG = ("ConfigMap", "agent")
STATEFUL = ("StatefulSet", "agent")


def state(key: tuple[str, str] = CONFIG, change: Any = None, wanted: bool = True, uid: str = UID) -> State:
    child = children()[key]
    body = live(child)
    if change:
        change(body)
    return observe(child.ref, child if wanted else None, body, uid).state


def test_nothing_there() -> None:
    child = children()[CONFIG]
    assert observe(child.ref, child, None, UID).state is State.MISSING
    assert observe(child.ref, None, None, UID).state is State.ABSENT


def test_as_wanted() -> None:
    assert state() is State.MATCHES


def test_edited_by_hand() -> None:
    assert state(change=lambda body: body["data"].update(HOME="/x")) is State.DIFFERS


def test_no_longer_wanted() -> None:
    assert state(wanted=False) is State.SURPLUS


@pytest.mark.parametrize("wanted", [True, False])
def test_in_deletion(wanted: bool) -> None:
    def change(body: dict[str, Any]) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"

    assert state(change=change, wanted=wanted) is State.TERMINATING


def test_somebody_elses() -> None:
    def change(body: dict[str, Any]) -> None:
        body["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "x", "uid": "y"}]

    assert state(change=change) is State.FOREIGN
    assert state(change=change, wanted=False) is State.ABSENT


def test_left_by_an_earlier_workspace_of_that_name() -> None:
    assert state(uid="a new one") is State.TERMINATING


class TestUpgrade:
    """A child that another operator rendered for this same generation is left as it is."""

    def state(self, key: tuple[str, str] = STATEFUL, change: Any = None, **meta: Any) -> State:
        old = children(settings=Settings(agent_image="agent:0.0.9"))[key]
        new = children(settings=Settings(agent_image="agent:0.1.0"), **meta)[key]
        body = live(old)
        if change:
            change(body)
        return observe(new.ref, new, body, UID).state

    def test_kept(self) -> None:
        assert self.state() is State.KEPT
        assert self.state(CONFIG) is State.KEPT

    def test_rendered_anew_for_a_new_spec_or_a_refresh(self) -> None:
        assert self.state(generation=2) is State.DIFFERS
        assert self.state(annotations={"dspy.dev/refresh": "now"}) is State.DIFFERS

    def test_scaled_by_hand(self) -> None:
        assert self.state(change=lambda body: body["spec"].update(replicas=0)) is State.DIFFERS

    def test_without_marks_it_is_no_upgrade(self) -> None:
        def change(body: dict[str, Any]) -> None:
            body["metadata"]["annotations"] = {}

        assert self.state(change=change) is State.DIFFERS

    def test_a_kept_workspace_is_ready(self) -> None:
        scene = Scene()
        old = children(settings=Settings(agent_image="agent:0.0.9"))
        scene.live = {child.ref: live(child) for child in old.values()}
        assert scene.reasons()["Ready"] == ("True", "Ready")


def test_children_of_a_scene_are_all_settled() -> None:
    scene = Scene({"model": {"ollama": {"model": "m"}}})
    assert {item.state for item in scene.observed().values()} == {State.MATCHES}
    assert len(scene.observed()) == len(possible_refs("team", "demo"))


def test_a_pod() -> None:
    found = observe_pod(pod(containers=[waiting("agent", "ErrImagePull", "no")], unschedulable="no node"))
    assert (found.name, found.component, found.ready) == ("demo-agent-0", "agent", False)
    assert found.unschedulable == "no node"
    assert found.containers[0].waiting_message == "no"


@pytest.mark.parametrize("status", [{}, None, {"containerStatuses": [{"name": "a"}]}])
def test_a_pod_that_has_told_nothing_yet(status: Any) -> None:
    found = observe_pod({"metadata": {"name": "x"}, "status": status})
    assert not found.ready
