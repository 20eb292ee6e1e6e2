"""The workspace's own model server: Ollama, and a container beside it that pulls the model."""

from __future__ import annotations

from typing import Any, Final

from dspy_agent_core.contracts.cluster import (
    CONTAINER_MODEL_PULL,
    CONTAINER_OLLAMA,
    MODEL_PULL_PORT,
    OLLAMA_PORT,
)
from dspy_operator.api.workspace import Ollama
from dspy_operator.children import DEPLOYMENT, SERVICE, Child, model_name, models_claim
from dspy_operator.desired.common import MODEL, Context, child, labels, selector
from dspy_operator.desired.pods import (
    TMP_MOUNT,
    TMP_VOLUME,
    agent_image,
    harden,
    http_probe,
    pod_defaults,
    resources,
)

_MODELS_DIR: Final = "/models"


def build_model(context: Context) -> list[Child]:
    """Return Service and Deployment of the model server; none where the spec asks for none."""
    ollama = context.spec.model.ollama
    return [_service(context), _deployment(context, ollama)] if ollama else []


def _service(context: Context) -> Child:
    spec = {
        "selector": selector(context.name, MODEL),
        "ports": [{"name": "ollama", "port": OLLAMA_PORT, "targetPort": OLLAMA_PORT, "protocol": "TCP"}],
    }
    return child(context, SERVICE, model_name(context.name), MODEL, {"spec": spec})


def _deployment(context: Context, ollama: Ollama) -> Child:
    pod = {
        **pod_defaults(context),
        "containers": [_server(context, ollama), _puller(context, ollama)],
        "volumes": [
            {"name": "models", "persistentVolumeClaim": {"claimName": models_claim(context.name)}},
            TMP_VOLUME,
        ],
    }
    spec = {
        "replicas": 0 if context.suspended else ollama.replicas,
        "revisionHistoryLimit": 3,
        "strategy": {"type": "Recreate"},  # two servers must not write one volume
        "selector": {"matchLabels": selector(context.name, MODEL)},
        "template": {"metadata": {"labels": labels(context.name, MODEL)}, "spec": harden(pod)},
    }
    return child(context, DEPLOYMENT, model_name(context.name), MODEL, {"spec": spec})


def _environment(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _server(context: Context, ollama: Ollama) -> dict[str, Any]:
    values = {
        "OLLAMA_HOST": f"0.0.0.0:{OLLAMA_PORT}",
        "OLLAMA_MODELS": _MODELS_DIR,
        "OLLAMA_KEEP_ALIVE": ollama.keep_alive,
        "HOME": TMP_MOUNT["mountPath"],
    }
    return {
        "name": CONTAINER_OLLAMA,
        "image": ollama.image or context.settings.ollama_image,
        "imagePullPolicy": context.settings.image_pull_policy,
        "env": _environment(values),
        "ports": [{"name": "ollama", "containerPort": OLLAMA_PORT, "protocol": "TCP"}],
        "readinessProbe": http_probe("/", OLLAMA_PORT, period=5),
        "livenessProbe": http_probe("/", OLLAMA_PORT, period=20, failures=6),
        "resources": resources(ollama.resources, {"cpu": "250m", "memory": "512Mi"}, {}),
        "volumeMounts": [{"name": "models", "mountPath": _MODELS_DIR}, TMP_MOUNT],
    }


def _puller(context: Context, ollama: Ollama) -> dict[str, Any]:
    values = {
        "DSPY_MODEL": ollama.model,
        "DSPY_MODEL_INSECURE": "true" if ollama.insecure else "false",
        "OLLAMA_HOST": f"http://127.0.0.1:{OLLAMA_PORT}",
        "HOME": TMP_MOUNT["mountPath"],
    }
    return {
        "name": CONTAINER_MODEL_PULL,
        **agent_image(context),
        "command": ["python", "-m", "dspy_agent.incluster.model_pull"],
        "env": _environment(values),
        "ports": [{"name": "pull", "containerPort": MODEL_PULL_PORT, "protocol": "TCP"}],
        "readinessProbe": http_probe("/readyz", MODEL_PULL_PORT, period=2),
        "resources": resources(None, {"cpu": "10m", "memory": "64Mi"}, {"memory": "256Mi"}),
        "volumeMounts": [TMP_MOUNT],
    }
