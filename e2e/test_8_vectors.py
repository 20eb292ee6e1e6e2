"""The vector store as the workspace sees it: away, there, away again; and the index on its volume."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .kit import milvus, workspace
from .kit.agent import Agent
from .kit.cluster import Cluster, Object, wait_for

NAME = "finder"
LOGIN = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "milvus-login"},
    "stringData": {"username": "finder", "password": "correct-horse"},
}
TELL = """
import json, os
from dspy_agent_core.contracts.cluster import vector_token
settings = {name: value for name, value in os.environ.items() if "VECTOR" in name}
print(json.dumps({"token": vector_token(os.environ), **settings}))
"""
REACH = f"import socket; socket.create_connection(('{milvus.NAME}', {milvus.PORT}), 3)"


@pytest.fixture(scope="module")
def agent(operator: Cluster, git: str, new_namespace: Callable[[str], str]) -> Agent:
    """A workspace whose Milvus is not there yet."""
    agent = Agent(operator, new_namespace("vectors"))
    operator.apply(LOGIN, workspace.example(path=workspace.VECTORS), namespace=agent.namespace)
    return agent


def told(agent: Agent, kind: str, status: str, reason: str = "") -> Object:
    return workspace.wait_condition(
        agent.cluster, agent.namespace, NAME, kind, status=status, reason=reason, seconds=90
    )


def reaches(agent: Agent) -> bool:
    done = agent.inside(NAME, "python", "-c", REACH, check=False)
    assert done.returncode == 0 or "Error" in done.stderr, done.stderr
    return done.returncode == 0


def test_the_condition_follows_a_real_connection(agent: Agent) -> None:
    found = told(agent, "VectorStoreReady", "False", "VectorStoreUnreachable")
    assert milvus.URI in found["message"]
    since = told(agent, "AgentReady", "True")["lastTransitionTime"]

    milvus.start(agent.cluster, agent.namespace)
    told(agent, "VectorStoreReady", "True", "Connected")
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)
    agent.inside(NAME, "python", "-c", milvus.ASK)

    milvus.stop(agent.cluster, agent.namespace)
    told(agent, "VectorStoreReady", "False", "VectorStoreUnreachable")
    assert told(agent, "AgentReady", "True")["lastTransitionTime"] == since


def test_the_agent_knows_the_store_and_its_credentials(agent: Agent) -> None:
    found = json.loads(agent.inside(NAME, "python", "-c", TELL).stdout)
    assert found["token"] == "finder:correct-horse"
    assert found["DSPY_AGENT_VECTOR_STORE"] == milvus.URI
    prefix = found["DSPY_AGENT_VECTOR_COLLECTION_PREFIX"]
    assert prefix.endswith(f"_{agent.namespace}_{NAME}".replace("-", "_"))
    assert "correct-horse" not in json.dumps(workspace.get(agent.cluster, agent.namespace, NAME))


def test_without_a_store_the_watch_goes_and_the_way_is_closed_and_the_index_stays(agent: Agent) -> None:
    found = agent.tool(NAME, "esearch", "--q", "parse a float")
    assert any("parse_float" in hit.get("symbol", "") for hit in found["hits"])
    before = agent.tool(NAME, "index", "--status")
    assert before["files"] > 5
    milvus.start(agent.cluster, agent.namespace)
    wait_for(lambda: reaches(agent), 30, "what the spec names must be reachable")
    old = workspace.pod_uids(agent.cluster, agent.namespace, NAME)

    spec = json.dumps({"spec": {"vectorStore": None}})
    words = ("patch", "agentworkspace", NAME, "-n", agent.namespace, "--type=merge", "-p", spec)
    agent.cluster.kubectl(*words)
    told(agent, "VectorStoreReady", "True", "NotRequested")
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)
    wait_for(
        lambda: len(workspace.pod_uids(agent.cluster, agent.namespace, NAME)) == 1,
        30,
        "the watch is still there",
    )
    wait_for(lambda: not reaches(agent), 30, "the way to the store is still open")

    assert not old & workspace.pod_uids(agent.cluster, agent.namespace, NAME)
    assert agent.tool(NAME, "index", "--status") == before
    after = agent.tool(NAME, "index")
    assert {name: after[name] for name in before} == before, "nothing had to be read again"
    assert agent.tool(NAME, "esearch", "--q", "parse a float") == found
