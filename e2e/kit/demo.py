"""The demo: everything from a cluster to a ready workspace, with a line for each step."""

from __future__ import annotations

import sys
import time

from . import gitserver, images, release, workspace
from .agent import Agent
from .cluster import ensure
from .shell import Failed, run

NAMESPACE = "demo"
NAME = "demo"


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"{time.monotonic() - BEGAN:4.0f} s  {text}", file=sys.stderr, flush=True)


def demo() -> str:
    """Make everything and return the command to connect. Raises Failed."""
    say("cluster: making sure that there is one")
    cluster = ensure()
    say(f"cluster: kind cluster {cluster.name} is ready")
    say("images: building agent, operator and a git server with a real project")
    for line in images.build("agent", "operator").splitlines():
        say(f"images: {line}")
    images.build_git_server()
    say("images: loading them into the cluster")
    release.load(cluster, images.GIT_SERVER)
    say("operator: helm install")
    release.install(cluster)
    release.restart(cluster)
    gitserver.install(cluster)
    say(f"workspace: applying {workspace.EXAMPLE.parent.name}, its project served in the cluster")
    cluster.apply(gitserver.namespace(NAMESPACE))
    cluster.apply(workspace.example(ref="next"), namespace=NAMESPACE)
    ready = workspace.wait_ready(cluster, NAMESPACE, NAME, seconds=300)
    say(f"workspace: Ready, in pod {ready['status']['agent']['podName']}")
    agent = Agent(cluster, NAMESPACE)
    events = agent.tool(NAME, "ctx", "--logs", "logs")["events"]
    worst = max(events, key=lambda event: event["count"] if event.get("type") else 0)
    say(f"workspace: ctx finds {len(events)} key events in the project's log; the most frequent exception:")
    say(f"           {worst['count']} times {worst['type']}: {worst['message']}")
    run("kind", "export", "kubeconfig", "--name", cluster.name)
    return f"uv run dspy-agent connect {NAME} --namespace {NAMESPACE} --context kind-{cluster.name}"


def main() -> int:
    """Run the demo; return the exit code."""
    try:
        command = demo()
    except Failed as error:
        print(f"demo: {error}\nRun it again: it goes on from where it is.", file=sys.stderr)
        return 1
    say("done. Connect:")
    print(command)
    return 0


BEGAN = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
