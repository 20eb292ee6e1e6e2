"""What live objects say of themselves in spec and status: fields of `observe.Observed`, by kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_RESIZE_CONDITIONS: Final = (
    "ControllerResizeError",
    "NodeResizeError",
    "Resizing",
    "FileSystemResizePending",
    "ModifyVolumeError",
)


def told_by(kind: str, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """Return what an object of ``kind`` says; nothing for kinds that only are there or not."""
    return _READERS[kind](spec, status) if kind in _READERS else {}


def _workload(spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    failure, progress = conditions.get("ReplicaFailure", {}), conditions.get("Progressing", {})
    stalled = failure.get("message", "") if failure.get("status") == "True" else ""
    if not stalled and progress.get("status") == "False":
        stalled = progress.get("message", "")
    return {
        "observed_generation": status.get("observedGeneration", 0),
        "replicas": spec.get("replicas", 1),
        "current_replicas": status.get("replicas", 0),
        "ready_replicas": status.get("readyReplicas", 0),
        "updated_replicas": status.get("updatedReplicas", 0),
        "revision_settled": status.get("currentRevision") == status.get("updateRevision"),
        "stalled": stalled,
    }


def _job(spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    ends = [item for item in status.get("conditions") or () if item.get("status") == "True"]
    end = next((item for item in ends if item["type"] in ("Complete", "Failed")), None)
    facts: dict[str, Any] = {
        "observed_generation": 1 if status else 0,
        "replicas": 0 if spec.get("suspend") else 1,
        "current_replicas": status.get("active", 0) + status.get("succeeded", 0),
    }
    return facts | (_outcome(end, str(end["type"] == "Complete")) if end else {})


def _topic(_: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """Read Strimzi's conditions: Ready, or another type that says that it leaves the topic alone."""
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    facts: dict[str, Any] = {"observed_generation": status.get("observedGeneration", 0)}
    if "Ready" in conditions:
        return facts | _outcome(conditions["Ready"], conditions["Ready"].get("status", ""))
    return facts | next(
        (
            _outcome(
                {"reason": kind, "message": f"{kind}; the Topic Operator leaves it alone.", **item}, "False"
            )
            for kind, item in conditions.items()
            if item.get("status") == "True"
        ),
        {},
    )


def _spark(_: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    application = status.get("applicationState") or {}
    state = application.get("state", "")
    outcome = "True" if state == "RUNNING" else "False" if "FAIL" in state else ""
    end = {"reason": state, "message": application.get("errorMessage", "")}
    return _outcome(end, outcome)


def _outcome(condition: dict[str, Any], outcome: str) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "outcome_reason": condition.get("reason", ""),
        "outcome_message": condition.get("message", ""),
        "outcome_time": condition.get("lastTransitionTime", ""),
    }


def _claim(spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    resize: dict[str, Any] = next(
        (
            item
            for item in status.get("conditions") or ()
            if item["type"] in _RESIZE_CONDITIONS and item.get("status") == "True"
        ),
        {},
    )
    return {
        "claim_phase": status.get("phase", "Pending"),
        "claim_request": (spec.get("resources") or {}).get("requests", {}).get("storage", ""),
        "claim_capacity": (status.get("capacity") or {}).get("storage", ""),
        "claim_resize": resize.get("type", ""),
        "claim_message": resize.get("message", ""),
    }


_READERS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]]] = {
    "StatefulSet": _workload,
    "Deployment": _workload,
    "PersistentVolumeClaim": _claim,
    "Job": _job,
    "KafkaTopic": _topic,
    "SparkApplication": _spark,
}
