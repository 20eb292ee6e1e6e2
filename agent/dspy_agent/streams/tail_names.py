"""Which files the words of ``stream tail`` mean, and what their lines are said to come from."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Iterator
from typing import Final

_COMPRESSED: Final = (".gz", ".zst", ".bz2", ".xz", ".lz4", ".zip")
_MAGIC: Final = re.compile(r"[*?\[]")
# /var/log/containers/<pod>_<namespace>_<container>-<id>.log
_CONTAINER: Final = re.compile(r"([a-z0-9.-]+)_([a-z0-9-]+)_([a-z0-9.-]+)-[0-9a-f]{64}\.log", re.ASCII)
# /var/log/pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log
_POD: Final = re.compile(r".*/([a-z0-9-]+)_([a-z0-9.-]+)_[0-9a-f-]{32,36}/([a-z0-9.-]+)/\d+\.log", re.ASCII)
# /var/lib/docker/containers/<id>/<id>-json.log
_DOCKER: Final = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}-json\.log", re.ASCII)


def find_files(words: Iterable[str]) -> Iterator[str]:
    """Yield the absolute paths that ``words`` mean: files, folders (with all below them) and globs.

    Compressed and hidden files are named one by one only.
    """
    for word in words:
        path = os.path.abspath(word)  # noqa: PTH100  symlinks stay: they name the container
        if os.path.isdir(path):  # noqa: PTH112
            yield from _below(path)
        elif os.path.lexists(path) or not _MAGIC.search(word):
            yield path
        else:
            found = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
            yield from (name for name in found if not name.endswith(_COMPRESSED) and not os.path.isdir(name))  # noqa: PTH112


def mean(words: Iterable[str], path: str) -> bool:
    """Return whether ``words`` would mean a file at the absolute ``path``, which may be gone."""
    for word in words:
        named = os.path.abspath(word)  # noqa: PTH100
        if path == named or path.startswith(named + "/") or fnmatch.fnmatchcase(path, named):
            return True
    return False


def source_of(path: str, host: str) -> str:
    """Return what the lines of ``path`` come from: ``namespace/pod/container``, or the file on ``host``.

    >>> source_of("/var/log/pods/shop_web-1_0b0c7c1e-7d7c-4c4e-8f0a-1f0e6a1b2c3d/app/0.log", "node-1")
    'shop/web-1/app'
    >>> source_of("/srv/app.log", "node-1")
    'node-1:/srv/app.log'
    """
    name = path.rpartition("/")[2]
    if match := _CONTAINER.fullmatch(name):
        return f"{match[2]}/{match[1]}/{match[3]}"
    if match := _POD.fullmatch(path):
        return f"{match[1]}/{match[2]}/{match[3]}"
    if match := _DOCKER.fullmatch(name):
        return match[1]
    return f"{host}:{path}".encode("utf-8", "replace").decode()


def _below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith(_COMPRESSED):
                yield f"{parent}/{name}"
