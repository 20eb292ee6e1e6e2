"""Two workspaces in two namespaces can't reach each other: real traffic, with a positive control."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .kit import gitserver, workspace
from .kit.agent import Agent
from .kit.cluster import Cluster, wait_for

NAME = "team"
PORT = 8642
ASK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
except OSError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.fixture(scope="module")
def pair(operator: Cluster, git: str, new_namespace: Callable[[str], str]) -> tuple[Agent, Agent]:
    """Two ready workspaces of the same name in two namespaces."""
    agents = Agent(operator, new_namespace("left")), Agent(operator, new_namespace("right"))
    for agent in agents:
        operator.apply(workspace.manifest(NAME, source=workspace.git()), namespace=agent.namespace)
    for agent in agents:
        workspace.wait_ready(operator, agent.namespace, NAME)
    return agents


def reaches(agent: Agent, host: str, port: int = PORT) -> bool:
    done = agent.inside(NAME, "python", "-c", ASK, host, str(port), check=False)
    assert done.returncode == 0 or "refused:" in done.stderr, done.stderr
    return done.returncode == 0


def address(agent: Agent) -> str:
    pods = agent.cluster.items("pods", agent.namespace, f"dspy.dev/workspace={NAME}")
    return str(pods[0]["status"]["podIP"])


def manage(agent: Agent, management: str) -> None:
    spec = json.dumps({"spec": {"networkPolicy": {"management": management}}})
    agent.cluster.kubectl("patch", "agentworkspace", NAME, "-n", agent.namespace, "--type=merge", "-p", spec)
    wait_for(
        lambda: (management == "Managed") == bool(agent.cluster.items("networkpolicies", agent.namespace)),
        60,
        f"NetworkPolicies of a workspace whose management is {management}",
    )


def test_closed_both_ways_and_open_when_unmanaged(pair: tuple[Agent, Agent]) -> None:
    left, right = pair
    git_host = gitserver.URL.removeprefix("http://").removesuffix(":8080")
    assert reaches(left, git_host, 8080), "what the spec names must be reachable"
    assert not reaches(left, address(right))
    assert not reaches(right, address(left))

    manage(right, "Unmanaged")
    assert not reaches(left, address(right)), "the left one's egress is still closed"
    assert not reaches(right, address(left)), "the left one's ingress is still closed"

    manage(left, "Unmanaged")
    wait_for(lambda: reaches(left, address(right)), 30, "without policies the same traffic must pass")

    manage(right, "Managed")
    wait_for(lambda: not reaches(left, address(right)), 30, "the right one's ingress must close again")


def test_agents_do_not_reach_the_api_server(pair: tuple[Agent, Agent]) -> None:
    agent = pair[1]
    assert not reaches(agent, "kubernetes.default.svc.cluster.local", 443)
    done = agent.inside(NAME, "ls", "/var/run/secrets/kubernetes.io/serviceaccount/token", check=False)
    assert done.returncode != 0
