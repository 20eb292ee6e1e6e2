"""What can be wrong with pods, told by their own states and last words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from dspy_operator.desired.common import AGENT, TOPICS
from dspy_operator.facts import Event
from dspy_operator.observe import ContainerFacts, Observed, PodFacts
from dspy_operator.status.steady import pull_cause, steady, unschedulable
from dspy_operator.status.verdict import Verdict, bad

_IMAGE: Final = frozenset(
    {
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_START: Final = frozenset({"CreateContainerError", "RunContainerError", "PreStartHookError", "StartError"})
_NEVER_RAN: Final = frozenset({"StartError", "ContainerCannotRun"})
_NO_CLAIM: Final = re.compile(r'persistentvolumeclaim "([^"]+)" not found')


def pod_trouble(pods: Iterable[PodFacts]) -> Verdict | None:
    """Return what keeps a pod from being ready, or None where none says so."""
    waiting = [pod for pod in pods if not pod.ready and not pod.terminating]
    for pod in waiting:
        if pod.unschedulable:
            return _unschedulable(pod)
    for pod in waiting:
        for container in pod.containers:
            found = None if container.ready else _container_trouble(pod, container)
            if found:
                return found
    return None


def workload_trouble(workload: Observed, events: Iterable[Event]) -> Verdict | None:
    """Return what keeps a StatefulSet or Deployment from making its pods."""
    if workload.current_replicas >= workload.replicas:
        return None
    failed = [event.message for event in events if event.reason == "FailedCreate"]
    message = steady(failed[-1] if failed else workload.stalled)
    if not message:
        return None
    if "exceeded quota" in message:
        return bad("QuotaExceeded", message)
    if "RuntimeClass" in message and "not found" in message:
        return bad("RuntimeClassNotFound", message)
    if "serviceaccount" in message and "not found" in message:
        return bad("ServiceAccountNotFound", message)
    return bad("AdmissionRefused", message)


def _unschedulable(pod: PodFacts) -> Verdict:
    claim = _NO_CLAIM.search(pod.unschedulable)
    if claim:
        return bad(
            "ClaimNotFound", f'PersistentVolumeClaim "{claim[1]}" does not exist; make it, or name another.'
        )
    return bad("Unschedulable", f"No node takes {_called(pod)}: {unschedulable(pod.unschedulable)}")


def _called(pod: PodFacts) -> str:
    """Return what `kubectl logs` takes; pods of Deployments and Jobs have another name each time."""
    if pod.component == TOPICS:
        return f"job/{pod.name.rpartition('-')[0]}"
    alone = pod.component == AGENT or pod.name.endswith("-driver") or "-exec-" in pod.name
    return f"pod/{pod.name}" if alone else f"deployment/{pod.name.rsplit('-', 2)[0]}"


def _container_trouble(pod: PodFacts, container: ContainerFacts) -> Verdict | None:
    where = f"Container {container.name} of {_called(pod)}"
    reason, text = container.waiting_reason, steady(container.waiting_message)
    if reason in _IMAGE:
        return _image_trouble(where, container)
    if reason == "CreateContainerConfigError":
        return _config_trouble(where, text)
    if container.exit_reason in _NEVER_RAN and not container.termination:
        text = steady(container.exit_message) or text
        return bad("ContainerStartFailed", f"{where} can't start: {text or container.exit_reason}")
    if reason in _START:
        return bad("ContainerStartFailed", f"{where} can't start: {text or reason}")
    if container.exit_code in (None, 0):
        return None
    if container.termination:
        return bad(container.termination.reason, steady(container.termination.message))
    if container.exit_reason == "OOMKilled":
        return bad("OutOfMemory", f"{where} ran out of memory; raise its limit in resources.")
    if reason == "CrashLoopBackOff" or container.restarts > 1:
        ended = f"ends with exit code {container.exit_code} again and again"
        tells = f"`kubectl logs {_called(pod)} -c {container.name}` tells more"
        return bad("CrashLooping", f"{where} {ended}; {tells}.")
    return None


def _image_trouble(where: str, container: ContainerFacts) -> Verdict:
    image = f" {container.image}" if container.image else ""
    cause = pull_cause(container.waiting_reason, container.waiting_message)
    # Old kubelets tell the cause only in one of the two states that a failing pull alternates between.
    return bad("ImagePullFailed", f"{where} can't get its image{image}{cause}.", vague=not cause)


def _config_trouble(where: str, text: str) -> Verdict:
    lower = text.lower()
    if "failed to sync" in lower:
        # The kubelet's watch of ConfigMaps and Secrets is late (a busy node or API server); it tries again.
        return bad("ContainerConfigLate", f"{where} waits for the kubelet: {text}")
    if "find key" in lower:
        return bad("SecretKeyNotFound" if "secret" in lower else "ConfigMapKeyNotFound", f"{where}: {text}")
    if "not found" in lower:
        return bad("SecretNotFound" if "secret" in lower else "ConfigMapNotFound", f"{where}: {text}")
    return bad("ContainerConfigInvalid", f"{where}: {text}")
