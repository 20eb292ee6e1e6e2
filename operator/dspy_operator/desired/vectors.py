"""The vector store: how the agent finds it, and the program that watches whether it can be used.

Each workspace has collections of its own in a Milvus that it may share with others: their prefix is made
from its namespace and name.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from dspy_agent_core.contracts.cluster import (
    VECTOR_COLLECTION_PREFIX,
    VECTOR_SECRET,
    VECTOR_SECRET_DIR,
    VECTOR_STORE,
    VECTOR_STORE_LITE,
    VECTORS_PORT,
)
from dspy_operator.children import Child, vectors_name
from dspy_operator.desired.common import VECTORS, Context
from dspy_operator.desired.pods import agent_image, resources
from dspy_operator.desired.programs import AT_HOME, Program, build_program, plain

_SECRET_VOLUME: Final = "vector-secret"  # noqa: S105  its name
_COMMAND: Final = ("python", "-m", "dspy_agent.incluster.vector_store")


def build_vectors(context: Context) -> list[Child]:
    """Return the watch on a Milvus server; none where the spec names none."""
    if context.spec.vector_store.milvus is None:
        return []
    program = Program(
        VECTORS,
        agent_image(context),
        _COMMAND,
        VECTORS_PORT,
        resources(None, {"cpu": "10m", "memory": "128Mi"}, {"memory": "512Mi"}),
        variables=plain({**vector_variables(context), **AT_HOME}),
        volumes=vector_volumes(context),
        mounts=vector_mounts(context),
        strategy={"type": "Recreate"},  # what an earlier one says of its store must not be heard any more
    )
    return [build_program(context, vectors_name(context.name), 1, program)]


def vector_variables(context: Context) -> dict[str, str]:
    """Return the variables that say where vectors lie; none for the local index."""
    store = context.spec.vector_store
    if store.milvus_lite:
        return {VECTOR_STORE: VECTOR_STORE_LITE}
    if store.milvus is None:
        return {}
    variables = {
        VECTOR_STORE: store.milvus.uri,
        VECTOR_COLLECTION_PREFIX: collection_prefix(context.namespace, context.name),
    }
    return variables | ({VECTOR_SECRET: VECTOR_SECRET_DIR} if store.milvus.secret_ref else {})


def vector_volumes(context: Context) -> list[dict[str, Any]]:
    """Return the volume with the store's Secret; one that is missing keeps no pod from starting."""
    milvus = context.spec.vector_store.milvus
    if milvus is None or milvus.secret_ref is None:
        return []
    secret = {"secretName": milvus.secret_ref.name, "optional": True, "defaultMode": 0o440}
    return [{"name": _SECRET_VOLUME, "secret": secret}]


def vector_mounts(context: Context) -> list[dict[str, Any]]:
    """Return where the store's Secret is mounted."""
    return [
        {"name": volume["name"], "mountPath": VECTOR_SECRET_DIR, "readOnly": True}
        for volume in vector_volumes(context)
    ]


def collection_prefix(namespace: str, name: str) -> str:
    """Return what is put before the name of each collection of the workspace.

    Milvus takes letters, digits and underscores, so a hash tells apart what looks the same then.

    >>> collection_prefix("team", "shop.web")
    'dspy_2a029866_team_shop_web'
    """
    readable = re.sub(r"[^a-z0-9]", "_", f"{namespace[:40]}_{name[:40]}")
    return f"dspy_{hashlib.sha256(f'{namespace}/{name}'.encode()).hexdigest()[:8]}_{readable}"
