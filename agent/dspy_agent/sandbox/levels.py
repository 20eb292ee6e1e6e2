"""Which sandbox this machine allows: found out by trying, once a process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final

from dspy_agent.sandbox import seccomp
from dspy_agent.sandbox.environment import scrubbed
from dspy_agent.sandbox.program import program
from dspy_agent.sandbox.supervise import supervise
from dspy_agent_core.errors import MissingRequirement

VARIABLE: Final = "DSPY_AGENT_SANDBOX"
LEVELS: Final = ("namespaces", "bubblewrap", "landlock", "pod")
_TRY_SECONDS: Final = 20.0


def level() -> str:
    """Return the best kind of sandbox that works here, ``none`` if the user switched it off.

    Raises:
        MissingRequirement: none works.
    """
    if os.environ.get(VARIABLE, "").lower() == "off":
        return "none"
    for how in LEVELS:
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
    """Return whether this kind of sandbox can be set up here, by running ``true`` in it."""
    if how == "bubblewrap" and not shutil.which("bwrap"):
        return False
    if how == "pod" and not is_restricted_pod(_status(), os.environ):
        return False
    if how in ("landlock", "pod") and not seccomp.is_known():
        return False
    with tempfile.TemporaryDirectory(prefix="dspy-agent-") as folder:
        spec = {
            "how": how,
            "caller": os.getpid(),
            "cwd": "/",
            "writable": [os.path.realpath(folder)],
            "readable": [],
            "hidden": [],
            "folders": [],
            "tmp_bytes": 1 << 20,
            "limits": {},
        }
        environ = scrubbed(os.environ, folder, {})
        try:
            outcome = supervise(partial(program, spec, ["true"]), environ, _TRY_SECONDS, 1000)
        except OSError:
            return False
    return outcome.report == {"code": 0}


def is_restricted_pod(status: Mapping[str, str], environ: Mapping[str, str]) -> bool:
    """Return whether this is a pod as ours are: no root, no capability, none to gain, a read-only system.

    There, a command reaches the pod's own volumes only, and the network that its NetworkPolicy leaves.

    Args:
        status: the fields of ``/proc/self/status``.
        environ: the environment.
    """
    return (
        "KUBERNETES_SERVICE_HOST" in environ
        and status.get("Uid", "0").split()[0] != "0"
        and int(status.get("CapEff", "1"), 16) == 0
        and int(status.get("CapBnd", "1"), 16) == 0
        and status.get("NoNewPrivs") == "1"
        and bool(os.statvfs("/").f_flag & os.ST_RDONLY)
    )


def _status() -> dict[str, str]:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        pairs = (line.partition(":") for line in file)
        return {name: value.strip() for name, _, value in pairs}
