"""The same by Spark, with topics made on plain bootstrap servers; its driver is killed on the way."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from .kit import images, kafka, workspace
from .kit.agent import Agent
from .kit.cluster import Cluster, Object, wait_for

# The first test waits for the image: Java, Spark, its jars.
pytestmark = pytest.mark.timeout(1200)

NAME = "sparked"
APP = "orders"


@pytest.fixture(scope="module")
def agent(operator: Cluster, new_namespace: Callable[[str], str]) -> Agent:
    if os.environ.get("E2E_BUILD") != "0":
        images.build("spark")
    operator.load(kafka.IMAGE, images.SPARK)
    agent = Agent(operator, new_namespace("spark"))
    kafka.install_broker(operator, agent.namespace)
    streaming = {
        "kafka": {"bootstrapServers": kafka.BOOTSTRAP},
        "apps": [{"name": APP, "partitions": 2}],
        "contextJob": {"engine": "Spark", "checkpointStorage": {"size": "256Mi"}},
    }
    operator.apply(
        workspace.manifest(NAME, source={"empty": {}}, streaming=streaming), namespace=agent.namespace
    )
    return agent


def contexts(agent: Agent) -> Object:
    return kafka.contexts(agent.cluster, agent.namespace, NAME, APP, "PaymentDeclined")


def test_the_workspace_becomes_ready(agent: Agent) -> None:
    workspace.wait_ready(agent.cluster, agent.namespace, NAME, 300)


def test_a_killed_driver_loses_nothing_and_tells_nothing_twice(agent: Agent) -> None:
    pod = kafka.run_shop(
        agent.cluster, agent.namespace, APP, f"{agent.namespace}.{NAME}.", first=0, last=300, pause=0.1
    )
    wait_for(lambda: contexts(agent)["told"] > 0, 120, "the first contexts by Spark")
    agent.cluster.kubectl(
        "delete", "pod", "-n", agent.namespace, "-l", f"dspy.dev/workspace={NAME},dspy.dev/component=context",
        "--force", "--grace-period=0",
    )  # fmt: skip
    kafka.wait_shipped(agent.cluster, agent.namespace, pod, 120)

    def settled() -> Object | None:
        found = contexts(agent)
        return found if not found["open"] else None

    found = wait_for(settled, 180, "all raw records in contexts")
    assert found["told"] == 100, found
    assert (found["holes"], found["overlaps"], found["unequal"]) == (0, 0, 0), found
    assert found["read"] == found["raw"], found


def test_the_crash_shows_in_a_connected_session(agent: Agent) -> None:
    events = agent.tool(NAME, "ctx")["events"]
    crash = next(event for event in events if event.get("type") == "KeyError")
    assert crash["message"] == "'apples'"
    assert crash["frame"]["path"].endswith("shop.py")
