"""aider with whole files: given the file that the test points to first, as large a context as it asks for.

A file of 700 lines has 6,000 tokens, which a small model on two cores writes in five minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.bugs import sources
from benchmarks.bugs.packages import package
from benchmarks.bugs.systems.base import Answer, Place, own_files
from benchmarks.bugs.systems.pointed import functions_of, pointed_to
from benchmarks.bugs.tasks import Task
from benchmarks.code_search.fetch import FetchError
from dspy_agent.model.settings import model_settings

VERSION: Final = "0.86.2"
_OPTIONS: Final = (
    *("--edit-format", "whole", "--no-git", "--yes-always", "--map-tokens", "0", "--no-pretty"),
    *("--no-check-update", "--no-show-release-notes", "--no-show-model-warnings", "--analytics-disable"),
    *("--no-detect-urls", "--no-suggest-shell-commands", "--no-auto-lint"),
    *("--max-chat-history-tokens", "100000"),  # no summary at the end that nobody reads
)
_TOKENS: Final = re.compile(r"Tokens: ([\d.]+)(k?) sent, (?:.*?)([\d.]+)(k?) received")


class Aider:
    """`aider --message`, once."""

    name = "aider"
    mends = True

    def answer(self, task: Task, folder: Path, seconds: float) -> Answer:
        """Run it in the folder, and see which files it changed."""
        code = package(task.bug.package).code
        before = {file: file.read_bytes() for file in own_files(folder, code)}
        pointed = pointed_to(task, folder)
        if not pointed:
            return Answer(note="the test points to nothing")
        message = f"{task.text}\n\nFix the bug in {pointed[0].path}. Don't change the tests."
        said = _said(message, pointed[0].path, folder, seconds)
        changes = {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file, content in before.items()
            if file.exists() and file.read_bytes() != content
        }
        sent, received = _tokens(said)
        located = _changed(folder, code, before, changes)
        return Answer(located, changes, 1, sent, received, said.strip()[-300:])


def _said(message: str, path: str, folder: Path, seconds: float) -> str:
    """Return what aider prints; it is ended after ``seconds``."""
    settings = model_settings(folder)
    home = sources.cache() / "aider-home"
    home.mkdir(exist_ok=True)
    asked = ("--model", f"ollama_chat/{settings.name}", "--message", message, path)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **{"HOME": str(home), "OLLAMA_API_BASE": settings.url, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    }
    with subprocess.Popen(
        [str(_program()), *_OPTIONS, *asked],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            return process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0] + f"\nstopped after {seconds:.0f} s"


def _changed(
    folder: Path, code: str, before: dict[Path, bytes], changes: dict[str, bytes]
) -> tuple[Place, ...]:
    """Return the functions, by their old places, that have another text now."""
    for path in changes:
        (folder / path).write_bytes(before[folder / path])
    places = []
    for one in functions_of(folder, code):
        if one.path in changes:
            old = before[folder / one.path].splitlines()[one.first_line - 1 : one.last_line]
            if b"\n".join(old) not in b"\n".join(changes[one.path].splitlines()):
                places.append(Place(one.path, one.first_line, one.last_line))
    return tuple(places)


def _tokens(said: str) -> tuple[int, int]:
    found = [0.0, 0.0]
    for sent, thousands, received, more in _TOKENS.findall(said):
        found[0] += float(sent) * (1000 if thousands else 1)
        found[1] += float(received) * (1000 if more else 1)
    return round(found[0]), round(found[1])


def _program() -> Path:
    """Return aider, which has an environment of its own."""
    environment = sources.cache() / "aider"
    program = environment / "bin" / "aider"
    if not program.exists():
        for command in (
            [sys.executable, "-m", "venv", str(environment)],
            [str(environment / "bin" / "pip"), "install", "-q", f"aider-chat=={VERSION}"],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise FetchError(f"aider: {done.stderr.strip()[-500:]}")
    return program
