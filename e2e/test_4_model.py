"""A workspace with a model of its own: pulled with progress, reachable by its agent only, or told missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

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
ONE_THREAD = [{"name": "DSPY_AGENT_MODEL_THREADS", "value": "1"}]  # more are slower on busy cores
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
def space(new_namespace: Callable[[str], str]) -> str:
    return new_namespace("model")


@pytest.fixture(scope="module")
def told(operator: Cluster, space: str) -> Iterator[Callable[[], str]]:
    """What the condition says from the first moment on: a pull may be over in seconds."""
    # No {range}: kubectl ends, with exit code 0, at an object that has no conditions yet.
    message = '{.status.conditions[?(@.type=="ModelReady")].message}{"\\n"}'
    with operator.watching("agentworkspace", "-n", space, "-o", f"jsonpath={message}") as said:
        yield said


@pytest.fixture(scope="module")
def agent(operator: Cluster, git: str, space: str, told: Callable[[], str]) -> Agent:
    run(KIT / "model", timeout=300)
    operator.load(OLLAMA)
    agent = Agent(operator, space)
    operator.apply(
        workspace.manifest(
            NAME, source=workspace.git("next"), model=ollama(MODEL), agent={"env": ONE_THREAD}
        ),
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


def test_pull_is_shown_and_ends_ready(agent: Agent, told: Callable[[], str]) -> None:
    workspace.wait_condition(agent.cluster, agent.namespace, NAME, "ModelReady", status="True", seconds=240)
    assert "% of " in told(), told()
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


def ask(agent: Agent, tool: str, *words: str) -> Any:
    """Run a tool that asks the model; it may take minutes on a busy CPU."""
    found = agent.run("connect", NAME, "--", "dspy-agent", tool, "--json", *words, timeout=400)
    return json.loads(found.stdout)


def test_a_plan_names_what_is_there(agent: Agent) -> None:
    plan = ask(agent, "plan", "why does reading the settings fail, and how to mend it")
    assert plan["steps"]
    assert plan["summary"]
    files = agent.inside(NAME, "git", "ls-files").stdout.splitlines()
    for path in {step["path"] for step in plan["steps"] if step.get("path")}:
        assert any(name == path or name.startswith(f"{path.rstrip('/')}/") for name in files), plan


def test_doctor_tells_what_the_model_can_do(agent: Agent) -> None:
    rows = {check["name"]: check for check in ask(agent, "doctor")["checks"]}
    assert rows["model"]["status"] == rows["model can"]["status"] == rows["sandbox"]["status"] == "ok", rows
    assert "JSON schema yes" in rows["model can"]["detail"]


def test_a_conversation_rests_on_what_was_seen(agent: Agent) -> None:
    said = ask(agent, "chat", "which function parses a date and time?", "--steps", "2")
    assert said["summary"]
    assert any(step["found"] for step in said["steps"])
    assert said["use"]["calls"] >= 2
    kept = agent.inside(NAME, "sh", "-c", "cat .dspy_trajectories/*.jsonl").stdout
    kinds = [json.loads(line)["kind"] for line in kept.splitlines()]
    assert kinds[0] == "task"
    assert kinds[-1] == "end"


def test_commands_are_kept_from_the_model_server_and_from_other_folders(agent: Agent) -> None:
    code = (
        "import os, pathlib, urllib.request\n"
        "pathlib.Path('made').write_text('here')\n"
        "for what in (lambda: pathlib.Path('/workspace/outside').write_text('x'),\n"
        "             lambda: urllib.request.urlopen(%r + '/api/tags', timeout=5)):\n"
        "    try: what(); print('open')\n"
        "    except OSError as error: print('closed')\n"
    )
    host = agent.inside(NAME, "sh", "-c", 'echo "$OLLAMA_HOST"').stdout.strip()
    ran = ask(agent, "run", "--", "python", "-c", code % host)
    assert (ran["code"], ran["sandbox"]) == (0, "landlock"), ran
    assert ran["output"].split() == ["closed", "closed"], ran
    assert agent.inside(NAME, "cat", "made").stdout == "here"
    agent.inside(NAME, "rm", "made")


def test_what_a_model_writes_is_checked_lands_and_is_undone(agent: Agent) -> None:
    before = agent.inside(NAME, "git", "status", "--porcelain").stdout
    ask(
        agent, "edit", "a module with a function slug(text) that makes a slug of a title", "--file", "slug.py"
    )
    waiting = ask(agent, "diff")
    assert [one["path"] for one in waiting["files"]] == ["slug.py"]
    ask(agent, "apply")
    agent.inside(NAME, "python", "-c", "import ast; ast.parse(open('slug.py').read())")
    ask(agent, "undo")
    assert agent.inside(NAME, "git", "status", "--porcelain").stdout == before
