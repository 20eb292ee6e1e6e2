"""Which Python runs the tests of a workspace, and where it finds the scratch copy's own modules."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.sandbox.run import run_sandboxed

_VENVS: Final = (".venv", "venv", "env", ".env")
_SOURCE_FOLDERS: Final = ("src", "lib", "python")
_PROBE_SECONDS: Final = 20.0
_PROBE: Final = (
    "import importlib.util, sys; print(sys.executable); print(importlib.util.find_spec('pytest') is not None)"
)


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter, and whether it has pytest."""

    executable: str
    has_pytest: bool


_known: dict[tuple[str, Path], Python] = {}  # only those with pytest: it may be installed while we run


def python_of(workspace: Path) -> Python:
    """Return the Python of ``workspace``: of its virtual environment, on PATH, or the one that runs us.

    The first one that has pytest is taken, else the first one.
    """
    own = [workspace / name / "bin" / "python" for name in _VENVS]
    candidates = [os.fspath(path) for path in own if os.access(path, os.X_OK)]
    candidates += filter(None, map(shutil.which, ("python", "python3")))
    first: Python | None = None
    for executable in dict.fromkeys((*candidates, sys.executable)):
        found = _known.get((executable, workspace)) or _ask(executable, workspace)
        if found is not None and found.has_pytest:
            _known[executable, workspace] = found
            return found
        first = first or found
    return first or Python(sys.executable, False)


def module_paths(workspace: Path, tree: Path, python: str) -> dict[str, str]:
    """Return the environment in which ``python`` imports from ``tree`` what is installed from ``workspace``.

    Editable installs name folders of the workspace: the same folders of the copy go before them.
    """
    folders = [tree / name for name in _SOURCE_FOLDERS if (tree / name).is_dir()]
    folders += [tree / path for path in _editable(workspace, Path(python)) if (tree / path).is_dir()]
    given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    moved = [_moved(path, workspace, tree) for path in given]
    environment = {"PYTHONPATH": os.pathsep.join(dict.fromkeys([*map(os.fspath, folders), *moved]))}
    folder = os.path.dirname(python)
    if (Path(folder).parent / "pyvenv.cfg").is_file():
        environment["VIRTUAL_ENV"] = os.path.dirname(folder)
        environment["PATH"] = os.pathsep.join((folder, os.environ.get("PATH", os.defpath)))
    return environment


def _moved(path: str, workspace: Path, tree: Path) -> str:
    """Return the same folder of the copy, or ``path`` if it lies elsewhere."""
    absolute = Path(os.path.abspath(path))
    return os.fspath(tree / absolute.relative_to(workspace)) if absolute.is_relative_to(workspace) else path


def _editable(workspace: Path, python: Path) -> list[str]:
    found = []
    for path in python.parent.parent.glob("lib/python3*/site-packages/*.pth"):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("/") and Path(line).is_relative_to(workspace):
                found.append(os.path.relpath(line, workspace))
    return found


def _ask(executable: str, workspace: Path) -> Python | None:
    """Return what lies behind ``executable``, which may be a shim; None if it does not run."""
    ran = run_sandboxed(
        [executable, "-c", _PROBE],
        workspace=workspace,
        cwd=workspace,
        seconds=_PROBE_SECONDS,
        max_output=4000,
    )
    said = ran.output.strip().splitlines()
    if ran.code != 0 or len(said) < 2:
        return None
    return Python(said[-2], said[-1] == "True")
