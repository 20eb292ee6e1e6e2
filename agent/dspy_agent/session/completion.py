"""Completes verbs, options and paths of the workspace."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_type_hints

from dspy_agent.session.shell import EXIT_WORDS
from dspy_agent.tools.base import Tool
from dspy_agent.tools.registry import BY_NAME

_MAX = 200


def completions(line: str, verbs: Iterable[str], workspace: Path) -> list[tuple[str, int]]:
    """Return ``(text, start)`` pairs: what may take the place of ``line`` from ``start`` (<= 0) on."""
    words = line.split()
    current = "" if not words or line[-1:].isspace() else words[-1]
    before = words if not current else words[:-1]
    if not before:
        return [(f"{verb} ", -len(current)) for verb in verbs if verb.startswith(current)]
    if before[0] == "help":
        return [(v, -len(current)) for v in verbs if v.startswith(current) and v not in ("help", *EXIT_WORDS)]
    tool = BY_NAME.get(before[0])
    if current.startswith("-"):
        found = options_of(tool) if tool else []
        return [(f"{option} ", -len(current)) for option in found if option.startswith(current)]
    return [(path, -len(current)) for path in _paths(current, workspace)]


def options_of(tool: Tool) -> list[str]:
    """Return the long options of ``tool``."""
    found = ["--json", "--workspace", "--help", *(["--logs"] if tool.reads_logs else [])]
    for name, hint in get_type_hints(tool.arguments, include_extras=True).items():
        for info in getattr(hint, "__metadata__", ()):
            if type(info).__name__ == "OptionInfo":
                declared = [d for d in info.param_decls or () if d.startswith("--")]
                found += [part for d in declared for part in d.split("/")] or [f"--{name.replace('_', '-')}"]
    return sorted(set(found))


def _paths(current: str, workspace: Path) -> list[str]:
    folder, _, prefix = current.rpartition("/")
    start = workspace / folder if folder or not current.startswith("/") else Path("/")
    found = []
    try:
        with os.scandir(start) as entries:
            for entry in entries:
                if not entry.name.startswith(prefix) or (entry.name.startswith(".") and not prefix):
                    continue
                text = f"{folder}/{entry.name}" if folder or current.startswith("/") else entry.name
                found.append(_quoted(text) + ("/" if entry.is_dir() else " "))
                if len(found) >= _MAX:
                    break
    except OSError:
        return []
    return sorted(found)


def _quoted(text: str) -> str:
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)
