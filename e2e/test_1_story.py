"""One workspace from `kubectl apply` to its deletion, as a developer and a platform engineer live it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import Any

import pytest

from .kit import workspace
from .kit.agent import Agent
from .kit.cluster import Object, wait_for

NAME = "demo"
CRASH = b"""\
import logging, sys
import tomli
logging.basicConfig(stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s")
try:
    tomli.loads("retries = 3\\nretries = 4\\n")
except tomli.TOMLDecodeError:
    logging.getLogger("nightly").exception("tenant twice.toml is off")
"""


@pytest.fixture(scope="module", autouse=True)
def ready(agent: Agent, git: str) -> Object:
    """The first example, its project served by the cluster's own git server; Ready by `kubectl wait`."""
    agent.cluster.apply(workspace.example(ref="next"), namespace=agent.namespace)
    return workspace.wait_ready(agent.cluster, agent.namespace, NAME)


def test_kubectl_shows_the_state(agent: Agent) -> None:
    text = agent.cluster.kubectl("get", "agws", "-n", agent.namespace)
    header, row = (line.split() for line in text.splitlines())
    shown = dict(zip(header, row, strict=False))
    assert header == ["NAME", "READY", "REASON", "MODE", "MODEL", "AGENTS", "AGE"]
    assert (shown["NAME"], shown["READY"]) == (NAME, "True")


def test_own_command_lists_it(agent: Agent) -> None:
    assert NAME in agent.run("workspaces").stdout


def test_code_is_at_the_ref(agent: Agent) -> None:
    branch = agent.inside(NAME, "git", "log", "-1", "--format=%s").stdout
    assert branch.strip() == "A service that reads settings, and its log"


def test_tree(agent: Agent) -> None:
    text = agent.inside(NAME, "dspy-agent", "tree").stdout
    assert "_parser.py" in text
    assert "service.py" in text


def test_grep_finds_what_git_grep_finds(agent: Agent) -> None:
    hits = agent.tool(NAME, "grep", "raise TOMLDecodeError")["hits"]
    real = agent.inside(NAME, "git", "grep", "-n", "raise TOMLDecodeError", "--", "*.py").stdout
    expected = {tuple(line.split(":", 2)[:2]) for line in real.splitlines()}
    assert expected
    assert {(hit["path"], str(hit["line"])) for hit in hits if hit["path"].endswith(".py")} == expected


def test_codectx_knows_file_and_symbol(agent: Agent) -> None:
    assert "parse_basic_str" in agent.inside(NAME, "dspy-agent", "codectx", "src/tomli/_parser.py").stdout
    assert "src/tomli/_parser.py" in agent.inside(NAME, "dspy-agent", "codectx", "parse_basic_str").stdout


def errors(found: Any) -> dict[str, list[Object]]:
    """Events with a type, by it."""
    by_type: dict[str, list[Object]] = {}
    for event in found["events"]:
        if event.get("type"):
            by_type.setdefault(event["type"].rsplit(".", 1)[-1], []).append(event)
    return by_type


def test_ctx_reads_the_log_of_the_repository(agent: Agent) -> None:
    found = agent.tool(NAME, "ctx", "--logs", "logs")
    text = agent.inside(NAME, "cat", "logs/service.log").stdout
    assert found["lines_read"] == len(text.splitlines())
    events = errors(found)
    assert set(events) <= {"SettingsError", "TOMLDecodeError"}
    assert sum(event["count"] for event in events["SettingsError"]) == text.count(
        "\nSettingsError:"
    ) + text.count("\n__main__.SettingsError:")
    assert {event["frame"]["path"] for event in events["SettingsError"]} == {"service.py"}


def test_real_crash_through_stdin_then_ctx(agent: Agent) -> None:
    """The project's own code crashes in the pod; its log goes where `ctx` looks by itself."""
    agent.inside(NAME, "sh", "-c", "PYTHONPATH=src python - > /workspace/logs/nightly.log", stdin=CRASH)
    events = errors(agent.tool(NAME, "ctx"))
    (event,) = [e for e in events["TOMLDecodeError"] if "Cannot overwrite" in e["message"]]
    line = agent.inside(
        NAME, "git", "grep", "-n", '"Cannot overwrite a value"', "--", "src/tomli/_parser.py"
    ).stdout
    assert event["frame"]["path"] == "src/tomli/_parser.py"
    assert f":{event['frame']['line']}:" in line


def test_exit_code_and_streams_are_the_remote_ones(agent: Agent) -> None:
    done = agent.inside(NAME, "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert done.returncode == 7
    assert done.stdout == "out\n"
    assert done.stderr.endswith("err\n")


def test_session_on_a_terminal(agent: Agent) -> None:
    with agent.terminal(NAME) as terminal:
        terminal.expect("source>")
        terminal.type("grep parse_basic_str\r")
        terminal.expect("src/tomli/_parser.py")
        terminal.expect("source>")
        terminal.type("ctx --logs logs\r")
        terminal.expect("SettingsError")
        terminal.expect("source>")
        terminal.type("exit\r")
        assert terminal.wait() == 0


def test_command_on_a_terminal_follows_its_size(agent: Agent) -> None:
    wait = 'until test "$(stty size)" = "$size"; do sleep 0.1; done'
    script = f'for size in "30 100" "41 120"; do {wait}; echo "<$size>"; done'
    with agent.terminal(NAME, "sh", "-c", script) as terminal:
        terminal.expect("<30 100>")
        terminal.resize(41, 120)
        terminal.expect("<41 120>")
        assert terminal.wait() == 0


def digest(agent: Agent) -> str:
    script = "cd /workspace && find source logs -type f ! -path '*/.git/*' | sort | xargs sha256sum"
    return hashlib.sha256(agent.inside(NAME, "sh", "-c", script).stdout.encode()).hexdigest()


def test_suspend_and_resume_keep_the_files(agent: Agent) -> None:
    agent.inside(NAME, "sh", "-c", "echo '# mine' >> README.md; echo note > /workspace/source/mine.txt")
    before = digest(agent)

    agent.run("suspend", NAME)
    workspace.wait_condition(
        agent.cluster, agent.namespace, NAME, "Suspended", status="True", reason="OperatingMode"
    )
    wait_for(
        lambda: not workspace.pod_uids(agent.cluster, agent.namespace, NAME),
        60,
        "the suspended workspace has pods",
    )
    assert (
        workspace.condition(workspace.get(agent.cluster, agent.namespace, NAME), "Ready")["status"] == "False"
    )

    agent.run("resume", NAME, "--wait")
    assert digest(agent) == before


def test_connect_resumes(agent: Agent) -> None:
    agent.run("suspend", NAME)
    workspace.wait_condition(agent.cluster, agent.namespace, NAME, "Suspended", status="True")
    done = agent.inside(NAME, "cat", "mine.txt")
    assert done.stdout == "note\n"
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)


EDITS: dict[str, Object] = {
    "serviceaccounts": {"automountServiceAccountToken": True},
    "configmaps": {"data": {"DSPY_AGENT_WORKSPACE": "/elsewhere"}},
    "services": {"spec": {"selector": {"dspy.dev/workspace": "other"}}},
    "networkpolicies": {"spec": {"egress": [{}]}},
    "statefulsets": {"spec": {"replicas": 0}},
}


@pytest.mark.parametrize("kind", EDITS)
def test_edited_child_is_repaired(agent: Agent, kind: str) -> None:
    child = agent.cluster.items(kind, agent.namespace, f"dspy.dev/workspace={NAME}")[0]
    name = child["metadata"]["name"]
    agent.cluster.kubectl(
        "patch", kind, name, "-n", agent.namespace, "--type=merge", "-p", json.dumps(EDITS[kind])
    )

    def own(thing: Object | None) -> Object:
        return {k: v for k, v in (thing or {}).items() if k not in ("metadata", "status")}

    wait_for(
        lambda: own(agent.cluster.get(kind, name, agent.namespace)) == own(child),
        60,
        f"{kind}/{name} is not repaired",
    )


@pytest.mark.parametrize("kind", EDITS)
def test_deleted_child_is_made_anew(agent: Agent, kind: str) -> None:
    child = agent.cluster.items(kind, agent.namespace, f"dspy.dev/workspace={NAME}")[0]
    name, uid = child["metadata"]["name"], child["metadata"]["uid"]
    agent.cluster.kubectl("delete", kind, name, "-n", agent.namespace, "--wait=false")

    def again() -> bool:
        found = agent.cluster.get(kind, name, agent.namespace)
        return found is not None and found["metadata"]["uid"] != uid

    wait_for(again, 60, f"{kind}/{name} is not made anew")


def test_deleted_claim_is_made_anew_once_its_pod_lets_it_go(agent: Agent) -> None:
    (claim,) = agent.cluster.items("persistentvolumeclaims", agent.namespace, f"dspy.dev/workspace={NAME}")
    agent.cluster.kubectl("delete", "pvc", claim["metadata"]["name"], "-n", agent.namespace, "--wait=false")
    agent.cluster.kubectl("delete", "pod", f"{NAME}-agent-0", "-n", agent.namespace, timeout=90)

    def again() -> bool:
        found = agent.cluster.get("pvc", claim["metadata"]["name"], agent.namespace)
        return found is not None and found["metadata"]["uid"] != claim["metadata"]["uid"]

    wait_for(again, 90, "the claim is not made anew")
    workspace.wait_ready(agent.cluster, agent.namespace, NAME)
    assert agent.inside(NAME, "git", "status", "--porcelain").stdout == ""


def test_unhappy_words_are_clear(agent: Agent) -> None:
    done: subprocess.CompletedProcess[str] = agent.run("connect", "nobody", check=False)
    assert done.returncode == 6
    assert "nobody" in done.stderr
    assert "Traceback" not in done.stderr


def test_deletion_leaves_nothing(agent: Agent) -> None:
    assert workspace.children(agent.cluster, agent.namespace, NAME)
    agent.cluster.kubectl(
        "delete", "agentworkspace", NAME, "-n", agent.namespace, "--timeout=60s", timeout=70
    )

    def left() -> str:
        things = workspace.children(agent.cluster, agent.namespace, NAME)
        return ", ".join(f"{x['kind']}/{x['metadata']['name']}" for x in things)

    wait_for(lambda: not left(), 90, left)
