"""What the API server serves."""

from __future__ import annotations

from collections.abc import Iterable

from dspy_operator.children import Kind
from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.errors import NotFound


async def served(client: KubeClient, kinds: Iterable[Kind]) -> frozenset[Kind]:
    """Return those of ``kinds`` that the API server has now. Raises KubeError if it does not say."""
    return frozenset({kind for kind in kinds if await _serves(client, kind)})


async def _serves(client: KubeClient, kind: Kind) -> bool:
    try:
        found = await client.get(kind.path(None).rpartition("/")[0])
    except NotFound:
        return False
    return any(resource["name"] == kind.plural for resource in found.get("resources") or ())
