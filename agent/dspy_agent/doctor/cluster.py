"""Checks of the way into a cluster: kubeconfig, API server, our resources, permissions."""

from __future__ import annotations

import json
import socket
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dspy_agent.cluster.credentials import Credentials
from dspy_agent.cluster.errors import Target, crds_missing, from_response
from dspy_agent.cluster.kubeconfig import Access, load_access
from dspy_agent.cluster.official import load
from dspy_agent.doctor.model import OK, WARN, Check
from dspy_agent_core.contracts.cluster import API_VERSION, GROUP
from dspy_agent_core.errors import AgentError, ClusterError

_TIMEOUT: Final = (1.0, 2.0)
_NEEDED: Final = (
    (GROUP, "agentworkspaces", "", "get"),
    ("", "pods", "", "list"),
    ("", "pods", "exec", "create"),
)


def cluster() -> list[Check]:
    """Check the cluster of the current context, step by step, as far as it goes."""
    try:
        access = load_access()
    except AgentError as error:
        return [Check("kubeconfig", WARN, error.message, error.next)]
    checks = [
        Check("kubeconfig", OK, f"context {access.context or '(in the pod)'}, namespace {access.namespace}")
    ]
    try:
        _connect(access.server)
        with tempfile.TemporaryDirectory(prefix="dspy-agent-") as folder:
            checks += _ask(access, Credentials(access, Path(folder)))
    except ClusterError as error:
        name = "crds" if error.code == "CRDsNotInstalled" else "cluster"
        checks.append(Check(name, WARN, error.message, error.next))
    return checks


def _connect(server: str) -> None:
    """Find out within a second whether anything listens: a TLS client's own retries take far longer."""
    parts = urlsplit(server)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_TIMEOUT[0]).close()
    except OSError as error:
        why = "no answer within 1 s" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        raise ClusterError(
            f"The API server at {server} can't be reached: {why}.",
            code="Unreachable",
            next="Check that the cluster runs, or choose another: kubectl config use-context NAME",
        ) from None


def _ask(access: Access, credentials: Credentials) -> list[Check]:
    rest = load("client.rest").RESTClientObject(credentials.configuration())
    headers = {"accept": "application/json", "Content-Type": "application/json", **credentials.headers()}

    def ask(target: Target, path: str, body: Any = None) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        url = f"{access.server}{path}"
        try:
            answer = rest.request(method, url, headers=headers, body=body, _request_timeout=_TIMEOUT)
            data = answer.read()
        except Exception as error:  # urllib3's errors and the client's own: their message is all that matters
            from dspy_agent.cluster.errors import unreachable

            raise unreachable(access.server, error) from None
        if answer.status >= 400:
            raise from_response(target, answer.status, data, access.server)
        found: dict[str, Any] = json.loads(data)
        return found

    version = ask(Target("get", "version"), "/version").get("gitVersion", "of unknown version")
    checks = [Check("cluster", OK, f"Kubernetes {version} at {access.server}")]
    resources = ask(Target("list", "agentworkspaces", group=GROUP), "/apis").get("groups", [])
    if not any(group.get("name") == GROUP for group in resources):
        error = crds_missing(access.server)
        return [*checks, Check("crds", WARN, error.message, error.next)]
    checks.append(Check("crds", OK, f"{API_VERSION} is installed"))
    denied = [name for name, allowed in _permissions(ask, access.namespace) if not allowed]
    if denied:
        hint = "Ask whoever runs the cluster for a role with: " + ", ".join(denied)
        return [
            *checks,
            Check("permissions", WARN, f"in {access.namespace} you may not {'; '.join(denied)}", hint),
        ]
    return [*checks, Check("permissions", OK, f"connect is allowed in namespace {access.namespace}")]


def _permissions(ask: Any, namespace: str) -> list[tuple[str, bool]]:
    answers = []
    for group, resource, subresource, verb in _NEEDED:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": {
                    "namespace": namespace,
                    "verb": verb,
                    "group": group,
                    "resource": resource,
                    "subresource": subresource,
                }
            },
        }
        target = Target("create", "selfsubjectaccessreviews")
        answer = ask(target, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        full = f"{resource}/{subresource}" if subresource else resource
        answers.append((f"{verb} {full}", bool(answer.get("status", {}).get("allowed"))))
    return answers
