"""The background trainer: a container in the agent's pod, for it writes the files that sessions read.

Only where the spec has streams: without a broker there is nobody to share with, and what a session learned
it folds into the policy by itself.
"""

from __future__ import annotations

from typing import Any

from dspy_agent_core.contracts.cluster import CONTAINER_TRAINER, SOURCE_DIR, STREAM_PORT
from dspy_operator.desired.common import Context
from dspy_operator.desired.pods import agent_image, http_probe, resources


def trains(context: Context) -> bool:
    """Whether there is something to learn, and somebody to share it with."""
    told = {item.name: item.value for item in context.spec.agent.env or ()}
    return context.spec.streaming is not None and (told.get("DSPY_AGENT_LEARNING") or "").lower() != "off"


def trainer_container(
    context: Context, env: list[dict[str, Any]], env_from: list[dict[str, Any]], mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the container, with the agent's settings (``env_from``, ``env``) and its volumes.

    It has no readiness: a trainer that waits for its broker, or starts, keeps nobody from the agent.
    """
    return {
        "name": CONTAINER_TRAINER,
        **agent_image(context),
        "command": ["dspy-agent", "stream", "trainer", "--http-port", str(STREAM_PORT)],
        "workingDir": SOURCE_DIR,
        "envFrom": env_from,
        **({"env": env} if env else {}),
        "ports": [{"name": "trainer", "containerPort": STREAM_PORT, "protocol": "TCP"}],
        "livenessProbe": http_probe("/healthz", STREAM_PORT, period=10, failures=12),
        "resources": resources(None, {"cpu": "10m", "memory": "64Mi"}, {"memory": "256Mi"}),
        "volumeMounts": mounts,
    }
