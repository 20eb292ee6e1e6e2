"""New findings of the linters that the project has configured and installed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.sandbox.run import run_sandboxed
from dspy_agent.verify.worktree import Scratch
from dspy_agent.workspace.files import read_head

_SECONDS: Final = 30.0
_MAX_CONFIG: Final = 1 << 20
_FLAKE8: Final = re.compile(r"^(.+?):\d+:\d+: (\S+) (.*)$", re.MULTILINE)
_SCRIPTS: Final = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")


@dataclass(frozen=True, slots=True)
class Linter:
    """A linter: its name, and the command that the files are appended to."""

    name: str
    argv: tuple[str, ...]
    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a linter says of the changed file ``path``, without the line: lines move."""

    path: str
    rule: str
    message: str


def linters_of(workspace: Path) -> list[Linter]:
    """Return the linters that are configured in ``workspace`` and installed."""
    found = []
    if _mentions(workspace, {"pyproject.toml": b"[tool.ruff", "ruff.toml": b"", ".ruff.toml": b""}) and (
        ruff := _installed("ruff", workspace)
    ):
        argv = (ruff, "check", "-q", "--no-cache", "--output-format", "json", "--exit-zero")
        found.append(Linter("ruff", argv, (".py", ".pyi")))
    flake8_files = {".flake8": b"", "setup.cfg": b"[flake8]", "tox.ini": b"[flake8]"}
    if _mentions(workspace, flake8_files) and (flake8 := _installed("flake8", workspace)):
        found.append(Linter("flake8", (flake8, "--exit-zero"), (".py",)))
    names = os.listdir(workspace)
    eslint = workspace / "node_modules" / ".bin" / "eslint"
    if any(name.startswith((".eslintrc", "eslint.config.")) for name in names) and os.access(eslint, os.X_OK):
        found.append(Linter("eslint", (os.fspath(eslint), "--format", "json"), _SCRIPTS))
    return found


def findings(linter: Linter, made: Scratch, workspace: Path, paths: Sequence[str]) -> Counter[Finding] | None:
    """Return what ``linter`` says of the files ``paths`` in the copy; None if it can't be run."""
    present = [path for path in paths if path.endswith(linter.suffixes) and (made.tree / path).is_file()]
    if not present:
        return Counter()
    ran = run_sandboxed(
        [*linter.argv, "--", *present] if linter.name != "flake8" else [*linter.argv, *present],
        workspace=workspace,
        cwd=made.tree,
        seconds=_SECONDS,
        writable=[made.folder],
        max_output=4 << 20,
    )
    if ran.code not in (0, 1) or ran.cut:
        return None
    try:
        return Counter(_parse(linter.name, ran.output, made.tree))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _parse(name: str, output: str, tree: Path) -> list[Finding]:
    if name == "flake8":
        return [Finding(path, rule, message) for path, rule, message in _FLAKE8.findall(output)]
    data = json.loads(output[output.index("[") : output.rindex("]") + 1])
    if name == "ruff":
        return [
            Finding(os.path.relpath(item["filename"], tree), item["code"] or "syntax", item["message"])
            for item in data
        ]
    return [
        Finding(os.path.relpath(item["filePath"], tree), said["ruleId"] or "syntax", said["message"])
        for item in data
        for said in item["messages"]
    ]


def _mentions(workspace: Path, files: dict[str, bytes]) -> bool:
    return any(
        (workspace / name).is_file() and text in read_head(workspace / name, _MAX_CONFIG)
        for name, text in files.items()
    )


def _installed(name: str, workspace: Path) -> str | None:
    for folder in (".venv", "venv"):
        path = workspace / folder / "bin" / name
        if os.access(path, os.X_OK):
            return os.fspath(path)
    return shutil.which(name)
