"""Runs the programs of the corpus."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.core.corpus.load import Case

_TIMEOUT = 100


class NotHereError(Exception):
    """What a case needs is not installed."""


@cache
def output_of(case: Case) -> str:
    """Return what the program of ``case`` prints, both streams together.

    Raises:
        NotHereError: its language is not installed.
    """
    if not case.command:
        return case.text
    for words in (case.build, case.command):
        program = next((word for word in words if word != "env" and "=" not in word), "")
        if program and not program.startswith("./") and shutil.which(program) is None:
            raise NotHereError(f"{program} is not installed")
    if "pytest" in case.command and importlib.util.find_spec("pytest") is None:
        raise NotHereError("pytest is not installed")
    with tempfile.TemporaryDirectory(prefix="corpus-") as name:
        folder = Path(name)
        (folder / case.file).write_text(case.text)
        caches = {"GOCACHE": str(Path(tempfile.gettempdir()) / "corpus-go-cache")}
        environ = os.environ | caches | {"RUST_BACKTRACE": "1", "NO_COLOR": "1", "COLUMNS": "100"}
        for words in filter(None, (case.build,)):
            subprocess.run(words, cwd=folder, env=environ, check=True, capture_output=True, timeout=_TIMEOUT)
        done = subprocess.run(
            case.command,
            cwd=folder,
            env={name: value for name, value in environ.items() if name != "FORCE_COLOR"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
        )
    return done.stdout.decode(errors="replace")
