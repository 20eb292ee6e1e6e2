"""What can be wrong with a child itself: refused, somebody else's, in deletion, or not there yet."""

from __future__ import annotations

from collections.abc import Iterable

from dspy_operator.children import Ref
from dspy_operator.facts import Facts, Refusal
from dspy_operator.observe import Observed, State
from dspy_operator.status.steady import steady
from dspy_operator.status.verdict import Verdict, bad


def trouble(children: Iterable[Observed], facts: Facts) -> Verdict | None:
    """Return what is wrong with the first child that is not as it should be, the worst first."""
    wanted = [child for child in children if child.wanted]
    for child in wanted:
        refusal = facts.refusals.get(child.ref)
        if refusal:
            return refused(child.ref, refusal)
    for child in wanted:
        if child.state is State.FOREIGN:
            return bad(
                "ChildNotOwned",
                f"{_called(child.ref)} belongs to somebody else; delete it, or rename the workspace.",
            )
    for child in wanted:
        if child.state is State.TERMINATING:
            return bad("ChildTerminating", f"Waiting until {_called(child.ref)} is deleted, to make it anew.")
    unsettled = [child.ref for child in wanted if not child.settled]
    return bad("Progressing", f"{_called(unsettled[0])} is being applied.") if unsettled else None


def left_over(children: Iterable[Observed], facts: Facts) -> Verdict | None:
    """Return what keeps children from going that the spec asks for no more."""
    for child in children:
        if child.exists and child.ref in facts.refusals:
            return refused(child.ref, facts.refusals[child.ref])
    return None


def refused(ref: Ref, refusal: Refusal) -> Verdict:
    """Return the verdict on an apply that the API server refused."""
    text = steady(refusal.message)
    message = f"{_called(ref)} was refused: {text}"
    if "exceeded quota" in text:
        return bad("QuotaExceeded", message)
    if "it is being terminated" in text:
        return bad("NamespaceTerminating", message)
    if ref.kind == "PersistentVolumeClaim" and "resize" in text:
        return bad(
            "ResizeRefused",
            f"{message}. Set allowVolumeExpansion on its StorageClass, or move to a new workspace.",
        )
    if refusal.code == 403 and " cannot " in text:
        return bad("OperatorForbidden", message)
    return bad("Conflict" if refusal.code == 409 else "AdmissionRefused", message)


def _called(ref: Ref) -> str:
    return f'{ref.kind} "{ref.name}"'
