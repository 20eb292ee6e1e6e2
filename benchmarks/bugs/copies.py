"""A copy of a package with its bug: what the systems are given."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bugs import sources
from benchmarks.bugs.packages import Package, package
from benchmarks.bugs.recipe import Bug


@contextmanager
def clean_copy(one: Package) -> Iterator[Path]:
    """Give a copy of the package, which goes at the end."""
    origin = sources.source(one)
    with tempfile.TemporaryDirectory(prefix="copy-", dir=sources.cache()) as made:
        folder = Path(made) / one.name
        shutil.copytree(origin, folder, symlinks=True)
        yield folder


@contextmanager
def with_bug(bug: Bug) -> Iterator[Path]:
    """Give a copy of the package with the bug in it."""
    with clean_copy(package(bug.package)) as folder:
        file = folder / bug.path
        content = file.read_bytes()
        file.write_bytes(bug.mutation(content).apply(content))
        yield folder
