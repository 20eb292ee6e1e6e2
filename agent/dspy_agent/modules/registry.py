"""Where every caller gets its DSPy module: so that what was trained in a workspace is used everywhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

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


def load_module(name: ModuleName, workspace: Path) -> dspy.Module:
    """Return the module ``name``, with what was trained for it in ``workspace``.

    Raises:
        MissingRequirement: this installation lacks the module.
    """
    return new_module(name)


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
