"""Checks which sandbox commands of the workspace run in."""

from __future__ import annotations

from typing import Final

from dspy_agent.doctor.model import OK, WARN, Check
from dspy_agent.sandbox.levels import level
from dspy_agent_core.errors import MissingRequirement

_SAID: Final = {
    "namespaces": "namespaces: no network, private /tmp, only named folders can be written",
    "bubblewrap": "bubblewrap: no network, private /tmp, only named folders can be written",
    "landlock": "Landlock: no sockets, only named folders can be written; other processes are seen",
    "pod": "the restricted pod: no sockets; the pod's volumes can be written",
}


def sandbox() -> list[Check]:
    """Check for a sandbox by running ``true`` in it."""
    try:
        how = level()
    except MissingRequirement as error:
        return [Check("sandbox", WARN, "none works: no test and no command is run", error.next)]
    if how == "none":
        return [
            Check("sandbox", WARN, "switched off: commands can do what you can", "unset DSPY_AGENT_SANDBOX")
        ]
    return [Check("sandbox", OK, _SAID[how])]
