"""Runs programs for the end-to-end tests and the demo; a failure shows what the program said."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Failed(RuntimeError):
    """A program ended with an exit code other than 0."""


def run(
    *words: str | Path,
    stdin: str | bytes = b"",
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it said.

    Args:
        stdin: what it reads; text or bytes.
        timeout: seconds.
        env: variables on top of ours.
        check: raise ``Failed`` when it ends with another exit code than 0.
    """
    done = subprocess.run(
        [str(word) for word in words],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        check=False,
    )
    text = subprocess.CompletedProcess(
        done.args,
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )
    if check and text.returncode:
        said = (text.stderr or text.stdout)[-4000:].strip()
        raise Failed(f"{' '.join(map(str, words))[:300]}: exit code {text.returncode}\n{said}")
    return text
