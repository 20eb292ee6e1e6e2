"""Each failure has its own reason, told by what the cluster says."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_agent_core.contracts.cluster import MODEL_REASONS, SOURCE_REASONS, PullProgress, Termination
from dspy_operator.facts import Event, Facts, Refusal
from tests.operator.build import NOW, Scene, ended, facts, waiting

OLLAMA = {"model": {"ollama": {"model": "qwen3:1.7b"}}}


def crash(name: str, code: int = 1, message: str = "", reason: str = "Error") -> dict[str, Any]:
    last = ended(code, reason, message)
    return waiting(name, "CrashLoopBackOff", "back-off 20s", restartCount=3, lastState=last)


@pytest.mark.parametrize("reason", SOURCE_REASONS)
def test_the_source_tells_its_own_failure(reason: str) -> None:
    scene = Scene({"source": {"git": {"url": "https://git.example.com/x"}}})
    scene.unready()
    words = Termination(reason, "No ref 'x' in the repository; name another in spec.source.git.ref.").dumps()
    scene.pod(init=[crash("source", message=words)])
    for kind in ("AgentReady", "Ready"):
        found = scene.condition(kind)
        assert (found["status"], found["reason"]) == ("False", reason)
        assert "spec.source.git.ref" in found["message"]


@pytest.mark.parametrize("reason", MODEL_REASONS)
def test_the_model_pull_tells_its_own_failure(reason: str) -> None:
    scene = Scene(OLLAMA)
    scene.unready("Deployment", "model")
    scene.pod("model", containers=[crash("model-pull", message=Termination(reason, "Why.").dumps())])
    assert scene.condition("ModelReady")["reason"] == reason
    assert scene.condition("AgentReady")["status"] == "True"
    assert scene.condition("Ready")["reason"] == reason


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (waiting("agent", "ErrImagePull", "not found"), "ImagePullFailed"),
        (waiting("agent", "ImagePullBackOff"), "ImagePullFailed"),
        (waiting("agent", "InvalidImageName"), "ImagePullFailed"),
        (waiting("agent", "ErrImageNeverPull"), "ImagePullFailed"),
        (waiting("agent", "CreateContainerConfigError", 'secret "k" not found'), "SecretNotFound"),
        (waiting("agent", "CreateContainerConfigError", 'configmap "k" not found'), "ConfigMapNotFound"),
        (
            waiting("agent", "CreateContainerConfigError", "couldn't find key api-key in Secret team/k"),
            "SecretKeyNotFound",
        ),
        (waiting("agent", "CreateContainerConfigError", "image will run as root"), "ContainerConfigInvalid"),
        (
            waiting(
                "agent",
                "CreateContainerConfigError",
                "failed to sync configmap cache: timed out waiting for the condition",
            ),
            "ContainerConfigLate",
        ),
        (waiting("agent", "RunContainerError", "exec: not found"), "ContainerStartFailed"),
        (crash("agent", 3), "CrashLooping"),
        (crash("agent", 137, reason="OOMKilled"), "OutOfMemory"),
        (crash("agent", 1, '{"reason": "bad reason!", "message": "x"}'), "Failed"),
    ],
)
def test_states_of_containers(container: dict[str, Any], reason: str) -> None:
    scene = Scene()
    scene.unready()
    scene.pod(containers=[container])
    assert scene.condition("AgentReady")["reason"] == reason
    assert scene.condition("Ready")["reason"] == reason


def test_a_finished_init_container_is_no_failure() -> None:
    scene = Scene()
    scene.unready()
    done = {"name": "source", "ready": True, "restartCount": 1, "state": ended(0), "lastState": ended(1)}
    scene.pod(init=[done], containers=[waiting("agent", "PodInitializing")])
    assert scene.condition("AgentReady")["reason"] == "Progressing"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu.", "Unschedulable"),
        ('persistentvolumeclaim "code" not found', "ClaimNotFound"),
    ],
)
def test_pods_without_a_node(words: str, reason: str) -> None:
    scene = Scene()
    scene.unready()
    scene.pod(unschedulable=words)
    assert scene.condition("AgentReady")["reason"] == reason


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ('pods "x" is forbidden: exceeded quota: small', "QuotaExceeded"),
        ('pods "x" is forbidden: RuntimeClass "gvisor" not found', "RuntimeClassNotFound"),
        ('error looking up service account team/x: serviceaccount "x" not found', "ServiceAccountNotFound"),
        ('pods "x" is forbidden: violates PodSecurity "restricted"', "AdmissionRefused"),
    ],
)
def test_pods_that_are_refused(words: str, reason: str) -> None:
    scene = Scene()
    scene.unready(replicas=0)
    scene.facts = facts(events={scene.ref("StatefulSet", "agent"): (Event("FailedCreate", words),)})
    assert scene.condition("AgentReady")["reason"] == reason


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        (403, "is forbidden: exceeded quota: small, requested: x", "QuotaExceeded"),
        (403, 'User "dspy" cannot patch resource "configmaps"', "OperatorForbidden"),
        (422, 'StatefulSet.apps "demo-agent" is invalid: spec.template', "AdmissionRefused"),
        (400, 'admission webhook "policy.example.com" denied the request', "AdmissionRefused"),
        (
            403,
            "unable to create new content in namespace team because it is being terminated",
            "NamespaceTerminating",
        ),
        (409, "conflict with another manager", "Conflict"),
    ],
)
def test_applies_that_are_refused(code: int, words: str, reason: str) -> None:
    scene = Scene()
    scene.live[scene.ref("StatefulSet", "agent")] = None
    scene.facts = facts(refusals={scene.ref("StatefulSet", "agent"): Refusal(code, words)})
    assert scene.condition("AgentReady")["reason"] == reason
    assert words in scene.condition("Ready")["message"]


@pytest.mark.parametrize("kind", ["ServiceAccount", "ConfigMap", "NetworkPolicy", "Service", "StatefulSet"])
def test_a_foreign_namesake_is_told(kind: str) -> None:
    scene = Scene()
    scene.of(kind, "agent")["metadata"]["ownerReferences"] = []
    found = scene.condition("AgentReady")
    assert found["reason"] == "ChildNotOwned"
    assert f'{kind} "demo-agent"' in found["message"]


def test_a_child_in_deletion_is_waited_for() -> None:
    scene = Scene()
    scene.of("Service", "agent")["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
    assert scene.condition("Ready")["reason"] == "ChildTerminating"


class TestStorage:
    @pytest.mark.parametrize(
        ("event", "reason"),
        [
            (
                Event("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found'),
                "StorageClassNotFound",
            ),
            (
                Event("FailedBinding", "no persistent volumes available and no storage class is set"),
                "StorageClassNotFound",
            ),
            (Event("ProvisioningFailed", "out of space"), "ProvisioningFailed"),
            (Event("WaitForFirstConsumer", "waiting"), "WaitForFirstConsumer"),
            (Event("ExternalProvisioning", "waiting"), "ProvisioningVolume"),
        ],
    )
    def test_a_claim_without_a_volume(self, event: Event, reason: str) -> None:
        scene = Scene()
        claim = scene.of("PersistentVolumeClaim", "workspace")
        claim["status"] = {"phase": "Pending"}
        del claim["spec"]["volumeName"]
        scene.facts = facts(events={scene.ref("PersistentVolumeClaim", "workspace"): (event,)})
        assert scene.condition("StorageReady")["reason"] == reason

    def test_a_failure_outranks_what_only_waits_for_it(self) -> None:
        scene = Scene(OLLAMA)
        scene.unready()
        scene.unready("Deployment", "model")
        scene.pod("model", containers=[waiting("ollama", "ErrImagePull")])
        assert scene.condition("AgentReady")["reason"] == "Progressing"
        assert scene.condition("Ready")["reason"] == "ImagePullFailed"

    def test_a_resize_is_told_until_it_is_done(self) -> None:
        scene = Scene({"storage": {"size": "20Gi"}})
        claim = scene.of("PersistentVolumeClaim", "workspace")
        claim["status"]["capacity"]["storage"] = "10Gi"
        assert scene.condition("StorageReady")["reason"] == "ResizeInProgress"
        claim["status"]["conditions"] = [{"type": "ControllerResizeError", "status": "True", "message": "no"}]
        assert scene.condition("StorageReady")["reason"] == "ResizeFailed"

    def test_a_refused_resize(self) -> None:
        scene = Scene()
        words = "only dynamically provisioned pvc can be resized and the storageclass must support resize"
        claim = scene.ref("PersistentVolumeClaim", "workspace")
        scene.facts = facts(refusals={claim: Refusal(403, words)})
        assert scene.condition("StorageReady")["reason"] == "ResizeRefused"

    def test_a_lost_volume(self) -> None:
        scene = Scene()
        scene.of("PersistentVolumeClaim", "workspace")["status"]["phase"] = "Lost"
        assert scene.condition("Ready")["reason"] == "VolumeLost"


class TestPull:
    def scene(self, pull: PullProgress) -> Scene:
        scene = Scene(OLLAMA)
        scene.unready("Deployment", "model")
        scene.facts = Facts(NOW, pull=pull)
        return scene

    def test_progress(self) -> None:
        found = self.scene(PullProgress("pulling", "qwen3:1.7b", 462_000_000, 1_100_000_000)).condition(
            "ModelReady"
        )
        assert found["reason"] == "PullingModel"
        assert found["message"] == "Pulling qwen3:1.7b: 42% of 1.1 GB."

    def test_size_unknown(self) -> None:
        found = self.scene(PullProgress("pulling", "qwen3:1.7b")).condition("ModelReady")
        assert (found["reason"], found["message"]) == ("PullingModel", "Pulling qwen3:1.7b.")

    def test_failure(self) -> None:
        pull = PullProgress("failed", "nope", reason="ModelNotFound", message="No model nope; name another.")
        found = self.scene(pull).condition("ModelReady")
        assert (found["reason"], found["message"]) == ("ModelNotFound", "No model nope; name another.")

    def test_an_old_failure_does_not_hide_a_pull_that_moves(self) -> None:
        scene = self.scene(PullProgress("pulling", "m", 1, 100))
        again = {"name": "model-pull", "ready": False, "restartCount": 1, "state": {"running": {}}}
        last = ended(1, message=Termination("RegistryUnreachable", "x").dumps())
        scene.pod("model", containers=[again | {"lastState": last}])
        assert scene.condition("ModelReady")["reason"] == "PullingModel"


def test_no_credentials_of_a_url_reach_a_status() -> None:
    scene = Scene()
    scene.unready()
    scene.pod(containers=[waiting("agent", "ErrImagePull", "GET https://me:s3cret@r.example.com/v2 failed")])
    assert "s3cret" not in str(scene.status())
