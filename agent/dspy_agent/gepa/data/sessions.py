"""What past conversations show: which tool found what a task asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from dspy_agent.loop.trajectory import FOLDER, read

_MOST: Final = 50


def taken(workspace: Path) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield task, tool and arguments of the first step that found something, of each answered task."""
    folder = workspace / FOLDER
    paths = [] if folder.is_symlink() else sorted(folder.glob("*.jsonl"))
    for path in paths[-_MOST:]:
        task, first = "", None
        for record in read(path):
            kind = record.get("kind")
            if kind == "task":
                task, first = str(record.get("task", "")), None
            elif kind == "step" and record.get("ran") and record.get("found") and first is None:
                first = record
            elif kind == "end" and task and first is not None and record.get("summary"):
                arguments = first.get("arguments")
                yield task, str(first.get("chosen", "")), arguments if isinstance(arguments, dict) else {}
                task, first = "", None
