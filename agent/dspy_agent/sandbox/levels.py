"""Which sandbox this machine allows: found out by trying, once a process."""

from __future__ import annotations

import os
import shutil
from functools import lru_cache
from typing import Final

from dspy_agent.sandbox.environment import HOME, scrubbed
from dspy_agent.sandbox.program import program
from dspy_agent.sandbox.supervise import supervise
from dspy_agent_core.errors import MissingRequirement

VARIABLE: Final = "DSPY_AGENT_SANDBOX"
_TRY_SECONDS: Final = 20.0


def level() -> str:
    """Return the best kind of sandbox that works here, ``none`` if the user switched it off.

    Raises:
        MissingRequirement: none works.
    """
    if os.environ.get(VARIABLE, "").lower() == "off":
        return "none"
    for how in ("bubblewrap", "namespaces"):
        if works(how):
            return how
    raise MissingRequirement(
        "This machine allows no sandbox: commands of the workspace can't be run safely.",
        code="NoSandbox",
        next="Install bubblewrap (apt install bubblewrap), or, if you trust the workspace: "
        f"export {VARIABLE}=off",
    )


@lru_cache(None)
def works(how: str) -> bool:
    """Return whether this kind of sandbox can be set up here."""
    if how == "bubblewrap" and not shutil.which("bwrap"):
        return False
    spec = {
        "how": how,
        "cwd": "/",
        "writable": [],
        "readable": [],
        "hidden": [],
        "folders": [f"/tmp/{HOME}"],  # noqa: S108
        "tmp_bytes": 1 << 20,
        "limits": {},
    }
    pipe = os.pipe()
    spec["report"] = pipe[1]
    try:
        outcome = supervise(
            program(spec, ["true"]), pipe, scrubbed(os.environ, "/tmp", {}), _TRY_SECONDS, 1000
        )
    except OSError:
        return False
    return outcome.report == {"code": 0}
