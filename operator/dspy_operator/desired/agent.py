"""The agent: ServiceAccount, Service and StatefulSet, with the source put in place by an init container."""

from __future__ import annotations

from typing import Any

from dspy_agent_core.contracts.cluster import (
    AGENT_PORT,
    CONTAINER_AGENT,
    CONTAINER_SOURCE,
    GIT_SECRET_DIR,
    SOURCE_DIR,
    WORKSPACE_DIR,
)
from dspy_operator.children import (
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Child,
    agent_name,
    workspace_claim,
)
from dspy_operator.desired.common import (
    AGENT,
    ANNOTATION_CONFIG,
    Context,
    checksum,
    child,
    labels,
    selector,
)
from dspy_operator.desired.environment import secret_variables
from dspy_operator.desired.kafka import APPS_VARIABLE
from dspy_operator.desired.merge import merge
from dspy_operator.desired.pods import (
    TMP_MOUNT,
    TMP_VOLUME,
    agent_image,
    harden,
    http_probe,
    pod_defaults,
    resources,
)
from dspy_operator.desired.trainer import trainer_container, trains
from dspy_operator.desired.vectors import vector_mounts, vector_volumes


def build_service_account(context: Context) -> list[Child]:
    """Return the agent's ServiceAccount; none where the spec names one."""
    if context.spec.service_account_name:
        return []
    body = {"automountServiceAccountToken": False}
    return [child(context, SERVICE_ACCOUNT, agent_name(context.name), AGENT, body)]


def build_service(context: Context) -> Child:
    """Return the headless Service that names the agent's pods."""
    spec = {
        "clusterIP": "None",
        "selector": selector(context.name, AGENT),
        "ports": [{"name": "health", "port": AGENT_PORT, "targetPort": AGENT_PORT, "protocol": "TCP"}],
    }
    return child(context, SERVICE, agent_name(context.name), AGENT, {"spec": spec})


def build_stateful_set(context: Context, config: Child) -> Child:
    """Return the agent's StatefulSet; ``config`` is the ConfigMap that its pods read."""
    spec = {
        "replicas": 0 if context.suspended else context.spec.agent.replicas,
        "serviceName": agent_name(context.name),
        # Parallel: a broken revision does not block the one that mends it.
        "podManagementPolicy": "Parallel",
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": selector(context.name, AGENT)},
        "template": _template(context, config),
    }
    return child(context, STATEFUL_SET, agent_name(context.name), AGENT, {"spec": spec})


def _template(context: Context, config: Child) -> dict[str, Any]:
    template = context.spec.agent.template
    metadata = template.metadata if template else None
    spec = _pod_spec(context)
    if template and template.spec:
        spec = merge(spec, template.spec)
    return {
        "metadata": {
            "labels": {**((metadata and metadata.labels) or {}), **labels(context.name, AGENT)},
            "annotations": {
                **((metadata and metadata.annotations) or {}),
                ANNOTATION_CONFIG: checksum(_read_at_start(config.body["data"])),
            },
        },
        "spec": harden(spec),
    }


def _read_at_start(data: dict[str, str]) -> dict[str, str]:
    """Return what a running agent needs; a new app is the streams' business and ends no session."""
    return {name: value for name, value in data.items() if name != APPS_VARIABLE}


def _pod_spec(context: Context) -> dict[str, Any]:
    spec = {
        **pod_defaults(context),
        "terminationGracePeriodSeconds": 30,
        "initContainers": [_source_container(context)],
        "containers": _containers(context),
        "volumes": [*_workspace_volumes(context), TMP_VOLUME, *vector_volumes(context)],
    }
    if context.spec.agent.runtime_class_name:
        spec["runtimeClassName"] = context.spec.agent.runtime_class_name
    git = context.spec.source.git
    if git and git.secret_ref:
        secret = {"secretName": git.secret_ref.name, "optional": True, "defaultMode": 0o440}
        spec["volumes"].append({"name": "git-secret", "secret": secret})
    return spec


def _workspace_volumes(context: Context) -> list[dict[str, Any]]:
    pvc = context.spec.source.pvc
    if pvc is None:
        claim = {"claimName": workspace_claim(context.name)}
        return [{"name": "workspace", "persistentVolumeClaim": claim}]
    return [
        {"name": "workspace", "emptyDir": {}},
        {"name": "source", "persistentVolumeClaim": {"claimName": pvc.claim_name}},
    ]


def _mounts(context: Context) -> list[dict[str, Any]]:
    mounts = [{"name": "workspace", "mountPath": WORKSPACE_DIR}, TMP_MOUNT]
    if context.spec.source.pvc:
        mounts.append({"name": "source", "mountPath": SOURCE_DIR})
    return mounts


def _containers(context: Context) -> list[dict[str, Any]]:
    agent = context.spec.agent
    user_env = [item.model_dump(by_alias=True, exclude_none=True) for item in agent.env or ()]
    user_from = [item.model_dump(by_alias=True, exclude_none=True) for item in agent.env_from or ()]
    env_from = [{"configMapRef": {"name": agent_name(context.name)}}, *user_from]
    found = [_agent_container(context, user_env, env_from)]
    if trains(context):
        found.append(trainer_container(context, user_env, env_from, _mounts(context)))
    return found


def _agent_container(
    context: Context, user_env: list[dict[str, Any]], env_from: list[dict[str, Any]]
) -> dict[str, Any]:
    named = {item["name"] for item in user_env}
    env = [item for item in secret_variables(context) if item["name"] not in named] + user_env
    return {
        "name": CONTAINER_AGENT,
        **agent_image(context),
        "command": ["python", "-m", "dspy_agent.incluster.serve"],
        "workingDir": SOURCE_DIR,
        "envFrom": env_from,
        **({"env": env} if env else {}),
        "ports": [{"name": "health", "containerPort": AGENT_PORT, "protocol": "TCP"}],
        "startupProbe": http_probe("/healthz", AGENT_PORT, period=2, failures=60),
        "readinessProbe": http_probe("/readyz", AGENT_PORT, period=5),
        "livenessProbe": http_probe("/healthz", AGENT_PORT, period=10),
        "resources": resources(
            context.spec.agent.resources, {"cpu": "50m", "memory": "128Mi"}, {"memory": "2Gi"}
        ),
        "volumeMounts": [*_mounts(context), *vector_mounts(context)],
    }


def _source_container(context: Context) -> dict[str, Any]:
    source = context.spec.source
    kind = "git" if source.git else "pvc" if source.pvc else "empty"
    env = {"DSPY_SOURCE_KIND": kind}
    mounts = _mounts(context)
    if source.git:
        env |= {"DSPY_SOURCE_URL": source.git.url, "DSPY_SOURCE_REF": source.git.ref or ""}
        if source.git.secret_ref:
            env["DSPY_SOURCE_SECRET"] = source.git.secret_ref.name
            mounts.append({"name": "git-secret", "mountPath": GIT_SECRET_DIR, "readOnly": True})
    return {
        "name": CONTAINER_SOURCE,
        **agent_image(context),
        "command": ["python", "-m", "dspy_agent.incluster.source"],
        "envFrom": [{"configMapRef": {"name": agent_name(context.name)}}],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "resources": resources(None, {"cpu": "50m", "memory": "64Mi"}, {"memory": "1Gi"}),
        "volumeMounts": mounts,
    }
