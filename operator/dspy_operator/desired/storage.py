"""Claims: their size only grows, and a bound one keeps the class and the modes that it was made with."""

from __future__ import annotations

from typing import Any, Final

from dspy_operator import quantity
from dspy_operator.api.storage import VolumeSpec
from dspy_operator.children import CLAIM, Child, models_claim, workspace_claim
from dspy_operator.desired.common import STORAGE, Context, child

ANNOTATION_RETAINED_FOR: Final = "dspy.dev/retained-for"  # the workspace that a kept claim waits for
ANNOTATION_STORAGE_CLASS: Final = "dspy.dev/storage-class"  # the class that was asked for; "": the default


def build_claims(context: Context) -> list[Child]:
    """Return the workspace's claims.

    The one with the code stays while the workspace lives, even if the source moves to another claim:
    an edit of the spec must not delete work.
    """
    claims = []
    name = workspace_claim(context.name)
    if context.spec.source.pvc is None or name in context.facts.claims:
        claims.append(_build_claim(context, name, context.spec.storage))
    if context.spec.model.ollama:
        claims.append(_build_claim(context, models_claim(context.name), context.spec.model.ollama.storage))
    return claims


def _build_claim(context: Context, name: str, volume: VolumeSpec) -> Child:
    size, storage_class = str(volume.size), volume.storage_class_name
    modes: list[str] = list(volume.access_modes)
    live = context.facts.claims.get(name)
    if live and live.bound:
        size = quantity.largest(live.request, size)
        storage_class, modes = live.storage_class, list(live.access_modes)
    spec: dict[str, Any] = {"accessModes": modes, "resources": {"requests": {"storage": size}}}
    if storage_class:
        spec["storageClassName"] = storage_class
    retained = context.spec.storage.retain_policy == "Retain"
    annotations = {ANNOTATION_STORAGE_CLASS: storage_class or ""}
    if retained:
        annotations[ANNOTATION_RETAINED_FOR] = context.name
    return child(context, CLAIM, name, STORAGE, {"spec": spec}, owned=not retained, annotations=annotations)
