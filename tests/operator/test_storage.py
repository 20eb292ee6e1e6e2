"""Claims grow, stay, are kept or go: and nothing that holds work is made anew."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from dspy_operator.children import CLAIM, Ref, ref
from dspy_operator.facts import Claim
from dspy_operator.observe import State, claim_facts, observe
from tests.operator.build import UID, children, facts, live

WORKSPACE = ("PersistentVolumeClaim", "workspace")
REF: Ref = ref(CLAIM, "team", "demo-workspace")


def desired(spec: dict[str, Any] | None = None, claim: Claim | None = None) -> Any:
    known = facts(claims={"demo-workspace": claim} if claim else {})
    return children(spec, known).get(WORKSPACE)


def spec_of(child: Any) -> tuple[str, str | None, list[str]]:
    spec = child.body["spec"]
    return spec["resources"]["requests"]["storage"], spec.get("storageClassName"), spec["accessModes"]


def test_as_the_spec_says() -> None:
    storage = {"size": "5Gi", "storageClassName": "fast", "accessModes": ["ReadWriteMany"]}
    assert spec_of(desired({"storage": storage})) == ("5Gi", "fast", ["ReadWriteMany"])
    assert spec_of(desired()) == ("10Gi", None, ["ReadWriteOnce"])


@pytest.mark.parametrize(("asked", "found"), [("5Gi", "10Gi"), ("20Gi", "20Gi"), ("10240Mi", "10Gi")])
def test_a_bound_claim_only_grows(asked: str, found: str) -> None:
    claim = Claim("10Gi", None, ("ReadWriteOnce",), bound=True)
    assert spec_of(desired({"storage": {"size": asked}}, claim))[0] == found


def test_a_bound_claim_keeps_class_and_modes() -> None:
    claim = Claim("10Gi", "slow", ("ReadWriteMany",), bound=True)
    asked = desired({"storage": {"storageClassName": "fast"}}, claim)
    assert spec_of(asked) == ("10Gi", "slow", ["ReadWriteMany"])


def test_binding_does_not_change_what_we_render() -> None:
    before = desired()
    body = live(before)
    body["spec"]["storageClassName"] = "the-default"
    claim = claim_facts(REF, body, UID)
    assert claim == Claim("10Gi", None, ("ReadWriteOnce",), bound=True)
    after = desired(None, claim)
    assert after.body == before.body
    assert observe(REF, after, body, UID).state is State.MATCHES


@pytest.mark.parametrize(
    "change", [{"storageClassName": "fast"}, {"size": "20Gi"}, {"accessModes": ["ReadWriteMany"]}]
)
def test_a_claim_without_a_volume_is_made_anew(change: dict[str, Any]) -> None:
    pending = live(desired({"storage": {"storageClassName": "nope"}}))
    del pending["spec"]["volumeName"]
    claim = claim_facts(REF, pending, UID)
    assert observe(REF, desired({"storage": change}, claim), pending, UID).state is State.SURPLUS


def test_a_bound_claim_is_never_made_anew() -> None:
    bound = live(desired({"storage": {"storageClassName": "slow"}}))
    wanted = desired({"storage": {"storageClassName": "fast", "size": "20Gi"}}, claim_facts(REF, bound, UID))
    assert observe(REF, wanted, bound, UID).state is State.DIFFERS


def test_work_stays_when_the_source_moves_to_another_claim() -> None:
    spec = {"source": {"pvc": {"claimName": "code"}}}
    assert desired(spec) is None
    assert desired(spec, Claim("10Gi", None, ("ReadWriteOnce",), bound=True)) is not None


class TestRetain:
    SPEC: ClassVar[dict[str, Any]] = {"storage": {"retainPolicy": "Retain"}}

    def test_not_owned_but_ours(self) -> None:
        child = desired(self.SPEC)
        assert "ownerReferences" not in child.body["metadata"]
        kept = live(child)
        assert observe(REF, child, kept, UID).state is State.MATCHES
        assert observe(REF, child, kept, "a new workspace of that name").state is State.MATCHES

    def test_back_to_delete(self) -> None:
        kept = live(desired(self.SPEC))
        assert observe(REF, desired({}), kept, UID).state is State.DIFFERS

    def test_somebody_elses_claim_is_not_adopted(self) -> None:
        foreign = live(desired(self.SPEC))
        foreign["metadata"]["annotations"]["dspy.dev/retained-for"] = "another"
        assert observe(REF, desired(self.SPEC), foreign, UID).state is State.FOREIGN
        assert claim_facts(REF, foreign, UID) is None
