"""Claims: their size only grows, and a bound one keeps the class and the modes that it was made with."""

from __future__ import annotations

from typing import Any, Final

from dspy_operator import quantity
from dspy_operator.api.storage import VolumeSpec
from dspy_operator.api.workspace import WorkspaceSpec
from dspy_operator.children import CLAIM, Child, checkpoints_claim, models_claim, workspace_claim
from dspy_operator.desired.common import ANNOTATION_RETAINED_FOR, STORAGE, Context, child

ANNOTATION_STORAGE_CLASS: Final = "dspy.dev/storage-class"  # the class that was asked for; "": the default

_CHECKPOINTS: Final = VolumeSpec(size="1Gi")


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
    checkpoints = checkpoint_volume(context.spec)
    if checkpoints:
        claims.append(_build_claim(context, checkpoints_claim(context.name), checkpoints))
    return claims


def checkpoint_volume(spec: WorkspaceSpec) -> VolumeSpec | None:
    """Return the volume for Spark's checkpoints; None where no Spark job runs."""
    streaming = spec.streaming
    if streaming is None or not streaming.apps or streaming.context_job.engine != "Spark":
        return None
    return streaming.context_job.checkpoint_storage or _CHECKPOINTS


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
