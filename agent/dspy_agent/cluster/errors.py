"""Says in plain words what an API server or a network answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from dspy_agent.cluster.channels import NotRun
from dspy_agent_core.contracts.cluster import GROUP
from dspy_agent_core.errors import ClusterError

_CANNOT = re.compile(r"cannot (?P<verb>[a-z]+) resource \"(?P<resource>[^\"]+)\"")


class ConnectionLost(ClusterError):
    """The connection to a running command broke; the exit code is ssh's, which few commands use."""

    exit_code = 255


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about, in the words of RBAC: verb, resource (with subresource), group."""

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""
    group: str = ""


def status_of(body: bytes) -> dict[str, Any]:
    """Return the ``Status`` object in ``body``, or an empty one if there is none."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) and data.get("kind") == "Status" else {}


def from_response(target: Target, code: int, body: bytes, server: str) -> ClusterError:
    """Return the error that an answer with the HTTP status ``code`` (>= 400) means."""
    status = status_of(body)
    message = str(status.get("message") or body[:300].decode("utf-8", "replace").strip() or f"HTTP {code}")
    if code == 401:
        return ClusterError(
            f"{server} does not accept your credentials.",
            code="Unauthorized",
            next="Log in to the cluster anew, or choose another --context.",
        )
    if code == 403:
        return _forbidden(target, message)
    if code == 404 and not status:
        return crds_missing(server) if target.group == GROUP else _refused(target, code, message)
    if code == 404:
        return _not_found(target)
    if target.resource.startswith("pods/") and "container" in message:
        return _container_lacking(target, message)
    if code in (400, 422):
        return ClusterError(
            f"The API server refused the request: {message}",
            code=str(status.get("reason") or "BadRequest"),
            next="Change what the message names.",
        )
    return _refused(target, code, message)


def _forbidden(target: Target, message: str) -> ClusterError:
    said = _CANNOT.search(message)
    verb = said["verb"] if said else target.verb
    resource = said["resource"] if said else target.resource
    full = f"{resource}.{target.group}" if target.group else resource
    where = f' in namespace "{target.namespace}"' if target.namespace else ""
    return ClusterError(
        f"You may not {verb} {full}{where}.",
        code="Forbidden",
        next=f"Ask whoever runs the cluster for a role with the verb `{verb}` on `{full}`.",
    )


def _not_found(target: Target) -> ClusterError:
    kind = target.resource.partition("/")[0]
    return ClusterError(
        f'There is no {kind.removesuffix("s")} "{target.name}" in namespace "{target.namespace}".',
        code="PodNotFound" if kind == "pods" else "NotFound",
        next="Check the name and the namespace (-n).",
    )


def _container_lacking(target: Target, message: str) -> ClusterError:
    if "previous terminated container" in message:
        return ClusterError(
            f"No container of pod {target.name} has run before: {message}.",
            code="NoPreviousRun",
            next="Leave out --previous.",
        )
    if "is not valid for pod" in message:
        return ClusterError(
            f"Pod {target.name} has no such container: {message}.",
            code="ContainerNotFound",
            next=f"See the containers with `kubectl describe pod {target.name} -n {target.namespace}`.",
        )
    return ClusterError(
        f"A container of pod {target.name} is not running: {message}.",
        code="ContainerNotRunning",
        next="Wait until the workspace is ready: `dspy-agent workspaces` tells.",
    )


def not_run(ended: NotRun, command: tuple[str, ...], pod: str) -> ClusterError:
    """Return the error of a command that the cluster could not start in ``pod``."""
    message = ended.message
    if "executable file not found" in message or "no such file or directory" in message:
        return ClusterError(
            f'There is no program "{command[0]}" in pod {pod}.',
            code="CommandNotFound",
            next="Check the spelling; shell syntax needs a shell: -- sh -c '…'.",
        )
    if "container not found" in message or "not running" in message:
        return _container_lacking(Target("create", "pods/exec", name=pod), message)
    return ClusterError(
        f"Pod {pod} refused to run the command: {message or ended.reason}",
        code="ExecRefused",
        next="Try again; if it stays, look at the pod with `dspy-agent logs`.",
    )


def _refused(target: Target, code: int, message: str) -> ClusterError:
    return ClusterError(
        f"The API server failed to {target.verb} {target.resource}: {message} (HTTP {code}).",
        code="ServerError",
        next="Try again in a minute; if it stays, ask whoever runs the cluster.",
    )


def crds_missing(server: str) -> ClusterError:
    """Return the error of a cluster that does not know our resources."""
    return ClusterError(
        f"The cluster at {server} has no AgentWorkspace resource: DSPy Agent is not installed there.",
        code="CRDsNotInstalled",
        next="Install it with `helm install dspy-agent ./helm/dspy-agent`, or choose another --context.",
    )


def unreachable(server: str, cause: BaseException) -> ClusterError:
    """Return the error of a server that does not answer, with the innermost reason that was given."""
    text = str(cause)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate" in text.lower():
        why = re.sub(r"\s*\(_ssl\.c:\d+\)", "", text.rpartition("SSLError")[2].strip("\n(')\" ,")) or text
        return ClusterError(
            f"The certificate of {server} can't be trusted: {why}.",
            code="CertificateRejected",
            next="Check `certificate-authority` and `server` of this context in the kubeconfig.",
        )
    return ClusterError(
        f"The API server at {server} can't be reached: {_innermost(cause)}.",
        code="Unreachable",
        next="Check that the cluster runs and that a VPN or proxy is not missing, or pass another --context.",
    )


def _innermost(cause: BaseException) -> str:
    seen: BaseException = cause
    while (inner := seen.__cause__ or getattr(seen, "reason", None) or seen.__context__) is not None:
        if not isinstance(inner, BaseException) or inner is seen:
            break
        seen = inner
    if isinstance(seen, TimeoutError) or "timed out" in str(seen):
        return "no answer in time"
    if isinstance(seen, OSError) and seen.strerror:
        return seen.strerror
    return str(seen) or type(seen).__name__
