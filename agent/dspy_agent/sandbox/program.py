"""The command line that runs a command in a sandbox."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_ROOT: Final = os.fspath(Path(__file__).parents[2])
_START: Final = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from dspy_agent.sandbox.inside import main; main(sys.argv[1:])"
)
_EMPTIED: Final = ("/tmp", "/var/tmp", "/run")  # noqa: S108


def program(spec: Mapping[str, Any], argv: Sequence[str], report: int, alive: int) -> list[str]:
    """Return the command line for ``argv`` in the sandbox that ``spec`` describes; for ``supervise``."""
    spec = {**spec, "report": report, "alive": alive}
    inside = [sys.executable, "-I", "-S", "-B", "-c", _START, _ROOT, json.dumps(spec), *argv]
    return [*_bubblewrap(spec), *inside] if spec["how"] == "bubblewrap" else inside


def _bubblewrap(spec: Mapping[str, Any]) -> list[str]:
    found = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--unshare-all", "--as-pid-1"]
    found += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for path in dict.fromkeys(map(os.path.realpath, _EMPTIED)):
        if os.path.isdir(path):
            found += ["--tmpfs", path]
    for path in sorted({*spec["writable"], *spec["readable"]}):
        found += ["--bind" if path in spec["writable"] else "--ro-bind", path, path]
    for path in spec["hidden"]:
        found += (
            ["--tmpfs", path, "--remount-ro", path]
            if os.path.isdir(path)
            else ["--ro-bind", "/dev/null", path]
        )
    return [*found, "--"]
