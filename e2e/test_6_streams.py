"""Real logs of a crashing program become contexts that a connected agent shows; Strimzi, light engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .kit import kafka, workspace
from .kit.agent import Agent
from .kit.cluster import Cluster, Object, wait_for

NAME = "shop"
TEAM = "team"  # learns from the shop: its topics have the same prefix
APP = "orders"
RESTED = {"cpu": "10m", "memory": "64Mi"}


def streaming(**more: Any) -> Object:
    return {
        "kafka": {"strimzi": {"cluster": kafka.CLUSTER}},
        "apps": [{"name": APP, "partitions": 2}],
        "contextJob": {"engine": "Light", "resources": {"requests": RESTED}},
        **more,
    }


@pytest.fixture(scope="module")
def agent(operator: Cluster, new_namespace: Callable[[str], str]) -> Iterator[Agent]:
    operator.load(kafka.IMAGE)
    agent = Agent(operator, new_namespace("streams"))
    kafka.install_broker(operator, agent.namespace)
    yield agent
    kafka.remove_topic_crd(operator, agent.namespace)


def prefix(agent: Agent) -> str:
    return f"{agent.namespace}.{NAME}."


def topics(agent: Agent) -> dict[str, Object]:
    found = agent.cluster.items("kafkatopics.kafka.strimzi.io", agent.namespace)
    return {one["spec"]["topicName"]: one for one in found}


def take_steps(agent: Agent, count: int) -> None:
    """Let the shop's agent learn something, ``count`` times."""
    code = "printf 'def total(cart):\\n    return sum(cart)\\n' > cart.py; dspy-agent index > /tmp/index"
    step = f"for n in $(seq {count}); do dspy-agent grep total > /tmp/grep; done"
    agent.inside(NAME, "sh", "-ec", f"test -e cart.py || {{ {code}; }}; {step}")


def kill_trainer(agent: Agent) -> int:
    """Kill the shop's trainer as the kernel would; return how often it had started before."""
    pod = agent.cluster.get("pod", f"{NAME}-agent-0", agent.namespace) or {}
    trainer = next(c for c in pod["status"]["containerStatuses"] if c["name"] == "trainer")
    container = trainer["containerID"].rpartition("/")[2]
    mine = f"grep -l {container} /proc/[0-9]*/cgroup | cut -d/ -f3"
    agent.cluster.node("sh", "-ec", f"kill -9 $({mine})")
    return int(trainer["restartCount"])


def crashes(agent: Agent) -> list[Object]:
    text = agent.inside(NAME, "dspy-agent", "ctx", "--json", check=False).stdout
    events: list[Object] = json.loads(text)["events"] if text.strip() else []
    return events


def test_without_strimzi_the_condition_says_so(agent: Agent) -> None:
    assert not agent.cluster.get("crd", kafka.TOPIC_CRD), "a cluster without Strimzi is needed here"
    agent.cluster.apply(
        workspace.manifest(NAME, source={"empty": {}}, streaming=streaming()), namespace=agent.namespace
    )
    found = workspace.wait_condition(
        agent.cluster, agent.namespace, NAME, "TopicsReady", status="False", reason="StrimziNotInstalled"
    )
    assert "KafkaTopic" in found["message"] or "Strimzi" in found["message"]


def test_strimzi_is_picked_up_once_installed(agent: Agent) -> None:
    kafka.install_topic_crd(agent.cluster)
    kafka.install_topic_operator(agent.cluster, agent.namespace)
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)
    raw = topics(agent)[f"{prefix(agent)}logs.raw.{APP}"]
    assert raw["spec"]["partitions"] == 2
    assert raw["spec"]["config"]["message.timestamp.type"] == "LogAppendTime"
    team = {"kafka": {"bootstrapServers": kafka.BOOTSTRAP}, "topicPrefix": prefix(agent)}
    steps = [{"name": "RL_BACKGROUND_STEPS", "value": "1"}]
    agent.cluster.apply(
        workspace.manifest(TEAM, source={"empty": {}}, streaming=team, agent={"env": steps}),
        namespace=agent.namespace,
    )


def test_a_crash_shows_in_a_connected_session_within_seconds(agent: Agent) -> None:
    pod = kafka.run_shop(agent.cluster, agent.namespace, APP, prefix(agent), first=0, last=30, pause=0.05)
    kafka.wait_shipped(agent.cluster, agent.namespace, pod, 90)
    began = time.monotonic()
    events = wait_for(
        lambda: [e for e in crashes(agent) if e.get("type") == "KeyError"], 20, "the crash in ctx"
    )
    print(f"the crash showed {time.monotonic() - began:.1f} s after its program's end")
    assert events[0]["message"] == "'apples'"
    assert events[0]["frame"]["path"].endswith("shop.py")
    declined = [e for e in crashes(agent) if (e.get("type") or "").endswith("PaymentDeclined")]
    assert sum(e["count"] for e in declined) == 10
    assert any("JSONDecodeError" in cause for cause in declined[0]["cause"])


def test_the_worker_says_what_to_do(agent: Agent) -> None:
    ask = (
        "import os, urllib.request; url = os.environ['DSPY_AGENT_ROUTER']; "
        f"print(urllib.request.urlopen(url + '/v1/results?app={APP}').read().decode())"
    )

    def look() -> str | None:
        said = agent.inside(NAME, "python", "-c", ask, check=False).stdout
        return said if "shop.py" in said else None

    text = wait_for(look, 30, "a result of the worker at the router")
    assert "KeyError" in text or "PaymentDeclined" in text


def test_a_broker_away_for_a_minute_and_killed_consumers_lose_nothing(agent: Agent) -> None:
    before = kafka.contexts(agent.cluster, agent.namespace, NAME, APP, "PaymentDeclined")
    pod = kafka.run_shop(
        agent.cluster, agent.namespace, APP, prefix(agent), first=1000, last=1600, pause=0.15
    )
    kafka.stop_broker(agent.cluster, agent.namespace)
    selector = f"dspy.dev/workspace={NAME},dspy.dev/component=context"
    stopped = time.monotonic()
    take_steps(agent, 2)
    agent.cluster.kubectl(
        "delete", "pod", "-n", agent.namespace, "-l", selector, "--force", "--grace-period=0"
    )
    wait_for(lambda: time.monotonic() - stopped > 60, 90, "a minute without the broker")
    kafka.start_broker(agent.cluster, agent.namespace)
    wait_for(
        lambda: (
            kafka.contexts(agent.cluster, agent.namespace, NAME, APP, "PaymentDeclined")["told"]
            > before["told"]
        ),
        60,
        "contexts after the broker came back",
    )
    agent.cluster.kubectl(
        "delete", "pod", "-n", agent.namespace, "-l", selector, "--force", "--grace-period=0"
    )
    kafka.wait_shipped(agent.cluster, agent.namespace, pod, 180)

    def settled() -> Object | None:
        found = kafka.contexts(agent.cluster, agent.namespace, NAME, APP, "PaymentDeclined")
        return found if not found["open"] else None

    found = wait_for(settled, 90, "all raw records in contexts")
    assert found["told"] - before["told"] == 200, found
    assert (found["holes"], found["overlaps"], found["unequal"]) == (0, 0, 0), found
    assert found["read"] == found["raw"], found
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)


def test_what_an_agent_learned_reaches_another_one(agent: Agent) -> None:
    """Also what it learned while the broker was away, and while its trainer was dead."""
    before = workspace.wait_ready(agent.cluster, agent.namespace, NAME)["status"]["conditions"]
    workspace.wait_ready(agent.cluster, agent.namespace, TEAM)
    restarts = kill_trainer(agent)
    take_steps(agent, 3)
    shop = kafka.learned(agent.cluster, agent.namespace, NAME)
    own = shop["own"]
    assert shop["uses"]["grep"] == 5

    def arrived() -> Object | None:
        found = kafka.learned(agent.cluster, agent.namespace, TEAM)
        return found if set(own) <= set(found["log"]) and not found["unsaved"] else None

    found = wait_for(arrived, 60, lambda: f"{own} in {kafka.learned(agent.cluster, agent.namespace, TEAM)}")
    assert set(own) <= set(found["topic"])
    assert sorted(found["log"]) == sorted(set(found["log"])), "an event twice"
    assert found["uses"] == shop["uses"]
    assert "stream-trainer" in found["metrics"]
    pod = agent.cluster.get("pod", f"{NAME}-agent-0", agent.namespace) or {}
    counts = {c["name"]: c["restartCount"] for c in pod["status"]["containerStatuses"]}
    assert counts == {"agent": 0, "trainer": restarts + 1}
    assert workspace.wait_ready(agent.cluster, agent.namespace, NAME)["status"]["conditions"] == before


def test_partitions_grow_and_never_shrink(agent: Agent) -> None:
    def put(partitions: int) -> str:
        spec = {"spec": {"streaming": {"apps": [{"name": APP, "partitions": partitions}]}}}
        return agent.cluster.kubectl(
            "patch", "agentworkspace", NAME, "-n", agent.namespace, "--type=merge", "-p", json.dumps(spec)
        )

    put(3)
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)
    assert topics(agent)[f"{prefix(agent)}logs.raw.{APP}"]["spec"]["partitions"] == 3
    with pytest.raises(Exception, match="grow"):
        put(1)


def test_topics_outlive_the_workspace(agent: Agent) -> None:
    agent.cluster.kubectl(
        "delete", "agentworkspace", NAME, "-n", agent.namespace, "--timeout=90s", timeout=100
    )
    assert f"{prefix(agent)}logs.raw.{APP}" in topics(agent)
