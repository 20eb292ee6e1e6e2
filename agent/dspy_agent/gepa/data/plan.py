"""Tasks to plan: what the commits say was done; without a history, what the functions say they do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.data.commits import commits
from dspy_agent.gepa.data.functions import functions
from dspy_agent.gepa.example import Example, example_id, lazily
from dspy_agent.index.shared import current_index
from dspy_agent.tools.base import ToolContext

_EVIDENCE: Final = 3000  # characters, as the tool packs
_MOST_FILES: Final = 5
_LEAST_WORDS: Final = 3
_FEW: Final = 12  # commits that say something; with fewer, functions are used too
_NO_TASK: Final = re.compile(
    r"(?i)^(?:merge|revert|bump|release|version|update (?:change|version|dependenc)|v?\d+\.\d+|wip\b|fixup)"
)
_NO_CODE: Final = re.compile(
    r"(?i)(?:^|/)(?:change(?:s|log)|news|authors|readme|license)[^/]*$|\.lock$|\.svg$"
)


def examples(workspace: Path, logs: tuple[Path, ...], most: int) -> list[Example]:
    """Return tasks with the files that they changed, newest first."""
    known = frozenset(current_index(workspace).manifest.files)
    context = ToolContext(workspace, logs)
    found = list(_from_commits(context, known))[:most]
    if len(found) < _FEW:
        found += list(_from_functions(context))[: most - len(found)]
    return found


def _from_commits(context: ToolContext, known: frozenset[str]) -> Iterator[Example]:
    for commit in commits(context.workspace):
        task = commit.subject.strip()
        if _NO_TASK.search(task) or len(task.split()) < _LEAST_WORDS:
            continue
        files = {path: lines for path, lines in commit.files.items() if not _NO_CODE.search(path)}
        here = [path for path in files if path in known]
        if here and len(files) <= _MOST_FILES:
            yield _example(context, task, here, group=max(here, key=lambda path: files[path]))


def _from_functions(context: ToolContext) -> Iterator[Example]:
    for function in functions(context.workspace):
        if function.says:
            task = f"Fix this, it does not work: {function.says}"
            yield _example(context, task, [function.path], group=function.path)


def _example(context: ToolContext, task: str, files: list[str], group: str) -> Example:
    facts = {"task": task, "files": sorted(files)}
    return Example(example_id("plan", facts), group, facts, lazily(_inputs, context, task))


def _inputs(context: ToolContext, task: str) -> Mapping[str, Any]:
    from dspy_agent.planning.checks import wants_new_file
    from dspy_agent.planning.commands import Commands
    from dspy_agent.planning.evidence import evidence_for
    from dspy_agent.planning.places import Places

    evidence = evidence_for(task, context)
    commands = Commands(context.workspace, Places(context.workspace, evidence.known))
    return {
        "task": task,
        "evidence": evidence.packed(_EVIDENCE),
        "files": evidence.files,
        "commands": commands.offered(),
        "new_files": wants_new_file(task),
    }
