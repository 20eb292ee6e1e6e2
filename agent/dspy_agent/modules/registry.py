"""Where every caller gets its DSPy module: so that what was trained in a workspace is used everywhere."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from dspy_agent.modules.state import FOLDER, Trained, UnfitState, fingerprint, load_state
from dspy_agent_core.errors import MissingRequirement

if TYPE_CHECKING:
    import dspy

ModuleName = Literal["context", "plan", "code", "router"]

CLASSES: Final[Mapping[ModuleName, str]] = {
    "context": "Advise",
    "plan": "Plan",
    "code": "Code",
    "router": "Router",
}

_told: set[tuple[Path, str]] = set()


def load_module(name: ModuleName, workspace: Path) -> dspy.Module:
    """Return the module ``name``, with what was trained for it in ``workspace``.

    What was trained and does not fit is left out, and said once on stderr.

    Raises:
        MissingRequirement: this installation lacks the module.
    """
    module = new_module(name)
    try:
        trained = trained_for(name, module, workspace)
    except UnfitState as unfit:
        if (workspace, name) not in _told:
            _told.add((workspace, name))
            sys.stderr.write(
                f"{FOLDER}/{name}.json is left out: {unfit}. "
                f"Train again: dspy-agent gepa train --module {name}\n"
            )
        return module
    return with_instructions(module, trained.instructions) if trained else module


def trained_for(name: ModuleName, module: dspy.Module, workspace: Path) -> Trained | None:
    """Return what was trained for ``module`` (as it ships) in ``workspace``; None if nothing was.

    Raises:
        UnfitState: it does not fit.
    """
    trained = load_state(workspace, name)
    if trained is None:
        return None
    if trained.dspy != dspy_version():
        raise UnfitState(f"it was trained with dspy {trained.dspy}, and here is {dspy_version()}")
    if trained.fingerprint != fingerprint(module):
        raise UnfitState("the module has changed since")
    return trained


def new_module(name: ModuleName) -> dspy.Module:
    """Return the module ``name`` as it ships, untrained.

    Raises:
        MissingRequirement: this installation lacks the module.
    """
    place = f"dspy_agent.modules.{name}"
    try:
        module = importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name != place:
            raise
        raise MissingRequirement(
            f"The module {name!r} is not part of this installation.",
            code="ModuleMissing",
            next="Install dspy-agent again, whole.",
        ) from None
    made: dspy.Module = getattr(module, CLASSES[name])()
    return made


def instructions_of(module: dspy.Module) -> dict[str, str]:
    """Return the instructions of each of the module's predictors, by name."""
    return {name: predictor.signature.instructions for name, predictor in module.named_predictors()}


def with_instructions(module: dspy.Module, instructions: Mapping[str, str]) -> dspy.Module:
    """Return a copy of ``module`` whose predictors have ``instructions``."""
    made: dspy.Module = module.deepcopy()
    for name, predictor in made.named_predictors():
        if name in instructions:
            predictor.signature = predictor.signature.with_instructions(instructions[name])
    return made


def dspy_version() -> str:
    """Return the major and minor version of dspy."""
    import dspy

    return ".".join(dspy.__version__.split(".")[:2])
