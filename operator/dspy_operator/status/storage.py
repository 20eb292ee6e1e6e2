"""StorageReady: whether the workspace's own claims have their volumes, at the size asked for."""

from __future__ import annotations

from collections.abc import Mapping

from dspy_operator import quantity
from dspy_operator.api.storage import VolumeSpec
from dspy_operator.api.workspace import Workspace
from dspy_operator.children import CLAIM, Ref, checkpoints_claim, models_claim, ref, workspace_claim
from dspy_operator.desired.storage import checkpoint_volume
from dspy_operator.facts import Facts
from dspy_operator.observe import Observed
from dspy_operator.status.children import trouble
from dspy_operator.status.steady import steady
from dspy_operator.status.verdict import Verdict, bad, good

_FAILED_RESIZES = ("ControllerResizeError", "NodeResizeError", "ModifyVolumeError")


def storage_verdict(workspace: Workspace, observed: Mapping[Ref, Observed], facts: Facts) -> Verdict:
    """Return whether all claims are bound, at least as large as asked, and made as asked."""
    meta, spec = workspace.meta, workspace.spec
    volumes: dict[str, VolumeSpec] = {workspace_claim(meta.name): spec.storage}
    if spec.model.ollama:
        volumes[models_claim(meta.name)] = spec.model.ollama.storage
    checkpoints = checkpoint_volume(spec)
    if checkpoints:
        volumes[checkpoints_claim(meta.name)] = checkpoints
    refs = {ref(CLAIM, meta.namespace, name): volume for name, volume in volumes.items()}
    claims = [
        (observed[key], volume) for key, volume in refs.items() if key in observed and observed[key].wanted
    ]
    if not claims:
        return good("ExistingClaim", "The workspace has no volume of its own.")
    wrong = trouble((claim for claim, _ in claims), facts)
    if wrong:
        return wrong
    verdicts = [_claim_verdict(claim, volume, facts) for claim, volume in claims]
    for verdict in verdicts:
        if not verdict.ready:
            return verdict
    return next((verdict for verdict in verdicts if verdict.reason != "Bound"), verdicts[0])


def _claim_verdict(claim: Observed, volume: VolumeSpec, facts: Facts) -> Verdict:
    name = claim.ref.name
    if claim.claim_phase == "Lost":
        return bad("VolumeLost", f"Claim {name} has lost its volume; restore it, or delete the claim.")
    if claim.claim_phase != "Bound":
        return _pending(claim, facts)
    if claim.claim_resize in _FAILED_RESIZES:
        return bad("ResizeFailed", f"Claim {name}: {claim.claim_message}")
    if claim.claim_resize or _below(claim.claim_capacity, claim.claim_request):
        sizes = f"from {claim.claim_capacity} to {claim.claim_request}"
        return bad("ResizeInProgress", f"Claim {name} grows {sizes}. {claim.claim_message}".strip())
    live = facts.claims.get(name)
    if (
        live
        and live.bound
        and (live.storage_class, set(live.access_modes))
        != (
            volume.storage_class_name,
            set(volume.access_modes),
        )
    ):
        made = f"class {live.storage_class or '(default)'}, {', '.join(live.access_modes)}"
        return bad(
            "VolumeChangeRefused",
            f"Claim {name} was made with {made}; that can't be changed, so set it back.",
        )
    if _below(str(volume.size), claim.claim_request):
        kept = f"keeps {claim.claim_request}, as volumes can't shrink to {volume.size}"
        return good("VolumeShrinkRefused", f"Claim {name} {kept}.")
    return good("Bound", "All volumes are bound.")


def _below(one: str, other: str) -> bool:
    return bool(one and other) and quantity.parse(one) < quantity.parse(other)


def _pending(claim: Observed, facts: Facts) -> Verdict:
    name = claim.ref.name
    for event in reversed(facts.events.get(claim.ref, ())):
        missing = "storageclass" in event.message and "not found" in event.message
        if missing or "no storage class is set" in event.message:
            return bad(
                "StorageClassNotFound",
                f"Claim {name}: {steady(event.message)}; name another storageClassName.",
            )
        if "exceeded quota" in event.message:
            return bad("QuotaExceeded", f"Claim {name}: {steady(event.message)}")
        if event.reason == "ProvisioningFailed":
            return bad("ProvisioningFailed", f"Claim {name}: {steady(event.message)}")
        if event.reason == "WaitForFirstConsumer":
            return bad("WaitForFirstConsumer", f"Claim {name} gets its volume when a pod needs it.")
    return bad("ProvisioningVolume", f"Claim {name} waits for its volume.")
