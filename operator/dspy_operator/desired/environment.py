"""The agent's environment: plain settings in a ConfigMap, secrets by reference only."""

from __future__ import annotations

from typing import Any

from dspy_agent_core.contracts.cluster import (
    LOGS_DIR,
    OLLAMA_PORT,
    SOURCE_DIR,
    WORKSPACE_DIR,
    WORKSPACE_NAME,
    listed_model_name,
)
from dspy_operator.children import CONFIG_MAP, Child, agent_name, model_name
from dspy_operator.desired.common import AGENT, Context, child
from dspy_operator.desired.kafka import prefix_of, router_variables, stream_variables
from dspy_operator.desired.vectors import vector_variables

HOME_DIR = f"{WORKSPACE_DIR}/home"


def build_config(context: Context) -> Child:
    """Return the ConfigMap with the agent's environment."""
    data = {
        "DSPY_AGENT_WORKSPACE": SOURCE_DIR,
        WORKSPACE_NAME: learning_name(context),
        "DSPY_AGENT_LOGS": LOGS_DIR,
        "HOME": HOME_DIR,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": SOURCE_DIR,
        **model_variables(context),
        **stream_variables(context),
        **router_variables(context),
        **vector_variables(context),
    }
    return child(context, CONFIG_MAP, agent_name(context.name), AGENT, {"data": data})


def learning_name(context: Context) -> str:
    """Return the workspace of learning events: agents whose topics have one prefix learn as one."""
    streaming = context.spec.streaming
    prefix = prefix_of(context.namespace, context.name, streaming) if streaming else ""
    return prefix.rstrip(".-_") or f"{context.namespace}.{context.name}"


def ollama_url(context: Context) -> str:
    """Return the URL of the workspace's own model server."""
    domain = context.settings.cluster_domain
    return f"http://{model_name(context.name)}.{context.namespace}.svc.{domain}:{OLLAMA_PORT}"


def model_variables(context: Context) -> dict[str, str]:
    """Return the variables that say which model to ask, and where."""
    model = context.spec.model
    if model.ollama:
        return {
            "USE_OLLAMA": "true",
            "OLLAMA_HOST": ollama_url(context),
            "OLLAMA_MODEL": listed_model_name(model.ollama.model),
        }
    if model.open_ai_compatible:
        remote = model.open_ai_compatible
        return {"USE_OLLAMA": "false", "OPENAI_BASE_URL": remote.base_url, "MODEL_NAME": remote.model}
    return {"USE_OLLAMA": "false"}


def secret_variables(context: Context) -> list[dict[str, Any]]:
    """Return the variables whose values are keys of Secrets."""
    remote = context.spec.model.open_ai_compatible
    if remote is None or remote.api_key_secret_ref is None:
        return []
    selector = {"name": remote.api_key_secret_ref.name, "key": remote.api_key_secret_ref.key}
    return [{"name": "OPENAI_API_KEY", "valueFrom": {"secretKeyRef": selector}}]
