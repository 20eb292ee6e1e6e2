"""Parts that all pods share, all fit for Pod Security *restricted*."""

from __future__ import annotations

from typing import Any, Final

from dspy_operator.api.types import Resources
from dspy_operator.children import agent_name
from dspy_operator.desired.common import USER_ID, Context

TMP_VOLUME: Final[dict[str, Any]] = {"name": "tmp", "emptyDir": {}}
TMP_MOUNT: Final = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108  an emptyDir of the pod


def pod_defaults(context: Context) -> dict[str, Any]:
    """Return the fields that every pod of the workspace has."""
    spec: dict[str, Any] = {
        "serviceAccountName": context.spec.service_account_name or agent_name(context.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if context.spec.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret.name} for secret in context.spec.image_pull_secrets]
    return spec


def agent_image(context: Context) -> dict[str, str]:
    """Return the image of all containers that run our own programs, and when it is pulled."""
    return {
        "image": context.spec.agent.image or context.settings.agent_image,
        "imagePullPolicy": context.settings.image_pull_policy,
    }


def harden(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the pod spec with our security context under that of each container.

    A container of the user's template is as closed as ours, unless it says otherwise itself.
    """
    result = dict(spec)
    for field in ("initContainers", "containers"):
        if isinstance(result.get(field), list):
            result[field] = [_hardened(item) for item in result[field]]
    return result


def _hardened(container: Any) -> Any:
    if not isinstance(container, dict):
        return container
    own = container.get("securityContext")
    closed = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    return {**container, "securityContext": {**closed, **(own if isinstance(own, dict) else {})}}


def resources(asked: Resources | None, requests: dict[str, str], limits: dict[str, str]) -> dict[str, Any]:
    """Return what the spec asks for, or else the defaults."""
    if asked is None:
        return {"requests": requests, "limits": limits} if limits else {"requests": requests}
    return asked.model_dump(by_alias=True, exclude_none=True)


def http_probe(path: str, port: int, period: int, failures: int = 3) -> dict[str, Any]:
    """Return an HTTP probe; ``period`` in seconds."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
