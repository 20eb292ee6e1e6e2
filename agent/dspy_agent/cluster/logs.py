"""``dspy-agent logs``: what a container of a workspace's agent pod wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dspy_agent.cluster.api import Api
from dspy_agent.cluster.errors import Target
from dspy_agent.cluster.pods import agent_pods
from dspy_agent.cluster.workspaces import get_workspace
from dspy_agent_core.errors import ClusterError


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which log: ``tail`` is a number of lines from the end, None for all."""

    name: str
    container: str
    follow: bool = False
    previous: bool = False
    tail: int | None = None


def find_pod(api: Api, request: LogRequest) -> str:
    """Return the agent pod whose log it is, ready or not.

    Raises:
        ClusterError: the workspace has no pod, for instance because it is suspended.
    """
    workspace = get_workspace(api, request.name)
    pod = workspace.pod or next(iter(agent_pods(api, workspace)), "")
    if pod:
        return pod
    why = workspace.suspended_because()
    raise ClusterError(
        f"Workspace {request.name} has no agent pod" + (f": it is suspended ({why})." if why else " yet."),
        code="NoPod",
        next=f"Start it with `dspy-agent resume {request.name} --wait`.",
    )


def read_log(api: Api, request: LogRequest, pod: str) -> Iterator[bytes]:
    """Yield the log of ``pod`` in pieces that end anywhere; with ``follow``, until the container ends."""
    query = {"container": request.container}
    query.update({flag: "true" for flag in ("follow", "previous") if getattr(request, flag)})
    if request.tail is not None:
        query["tailLines"] = str(request.tail)
    return api.lines(Target("get", "pods/log", api.access.namespace, pod), **query)
