"""A workspace with a model of its own: pulled with progress, reachable by its agent only, or told missing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .kit import images, workspace
from .kit.agent import Agent
from .kit.cluster import KIT, Cluster, Object, wait_for
from .kit.shell import run

pytestmark = pytest.mark.skipif(not (KIT / "model").exists(), reason="no registry with a small model here")

OLLAMA = "ollama/ollama:0.24.0"
REGISTRY = "http://models:5000"
MODEL = f"{REGISTRY}/library/qwen2.5-coder:1.5b"
NAME = "thinker"
ASK = """
import json, sys, urllib.request
body = json.dumps({"model": sys.argv[2], "prompt": "Say hello.", "stream": False,
                   "options": {"num_predict": 4, "num_ctx": 512, "num_thread": 1}}).encode()
request = urllib.request.Request(sys.argv[1] + "/api/generate", body, {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request, timeout=80))["response"])
"""


def ollama(model: str) -> Object:
    return {"ollama": {"model": model, "insecure": True, "storage": {"size": "4Gi"}}}


@pytest.fixture(scope="module")
def agent(operator: Cluster, new_namespace: Callable[[str], str]) -> Agent:
    run(KIT / "model", timeout=300)
    operator.load(OLLAMA)
    agent = Agent(operator, new_namespace("model"))
    operator.apply(
        workspace.manifest(NAME, source={"empty": {}}, model=ollama(MODEL)),
        workspace.manifest("nothing", source={"empty": {}}, model=ollama(f"{REGISTRY}/library/nothing:1b")),
        namespace=agent.namespace,
    )
    return agent


def test_no_such_model_is_told(agent: Agent) -> None:
    found = workspace.wait_condition(
        agent.cluster, agent.namespace, "nothing", "ModelReady", status="False", reason="ModelNotFound"
    )
    assert "nothing" in found["message"]
    agent.cluster.kubectl(
        "delete", "agentworkspace", "nothing", "-n", agent.namespace, "--timeout=60s", timeout=70
    )


def test_pull_is_shown_and_ends_ready(agent: Agent) -> None:
    seen: set[str] = set()

    def look() -> bool:
        found = workspace.condition(workspace.get(agent.cluster, agent.namespace, NAME), "ModelReady")
        seen.add(found.get("message", ""))
        return found.get("status") == "True"

    wait_for(look, 240, lambda: f"ModelReady; seen: {sorted(seen)}")
    assert any("%" in message for message in seen), f"no progress in {sorted(seen)}"
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)


def test_agent_asks_its_model_and_a_stranger_can_not(
    agent: Agent, new_namespace: Callable[[str], str]
) -> None:
    settings = agent.inside(NAME, "sh", "-c", 'echo "$OLLAMA_HOST"; echo "$OLLAMA_MODEL"').stdout.split()
    answer = agent.inside(NAME, "python", "-c", ASK, *settings)
    assert answer.stdout.strip()

    stranger = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stranger"},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "ask",
                    "image": images.AGENT,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python", "-c", ASK, *settings],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }
    space = new_namespace("stranger")
    agent.cluster.apply(json.loads(json.dumps(stranger).replace("timeout=80", "timeout=10")), namespace=space)

    def ended() -> bool:
        pod = agent.cluster.get("pod", "stranger", space)
        return pod is not None and pod["status"].get("phase") in ("Succeeded", "Failed")

    wait_for(ended, 60, "the stranger's pod does not end")
    assert "timed out" in agent.cluster.kubectl("logs", "stranger", "-n", space)
