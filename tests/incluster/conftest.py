from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GIT_SERVER = Path(__file__).parents[1] / "support" / "git_server.py"


def git(*arguments: str, cwd: Path) -> str:
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))
    }
    environment = os.environ | identity | {"GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True, env=environment
    ).stdout.strip()


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A work tree with a tag v1, then a second commit on main, and a branch feature."""
    work = tmp_path / "upstream"
    work.mkdir()
    git("init", "-q", "-b", "main", cwd=work)
    (work / "app.py").write_text("VERSION = 1\n")
    git("add", ".", cwd=work)
    git("commit", "-qm", "one", cwd=work)
    git("tag", "v1", cwd=work)
    git("checkout", "-qb", "feature", cwd=work)
    (work / "app.py").write_text("VERSION = 'feature'\n")
    git("commit", "-qam", "feature", cwd=work)
    git("checkout", "-q", "main", cwd=work)
    (work / "app.py").write_text("VERSION = 2\n")
    git("commit", "-qam", "two", cwd=work)
    return work


@pytest.fixture
def served(tmp_path: Path, upstream: Path) -> Iterator[Callable[..., str]]:
    """Returns a function that serves ``upstream`` as a bare repository and returns its URL."""
    root = tmp_path / "served"
    root.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(GIT_SERVER), str(root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    port = int(process.stdout.readline())

    def serve(name: str = "app.git", login: str | None = None) -> str:
        git("clone", "-q", "--bare", str(upstream), str(root / name), cwd=root)
        if login:
            (root / name / "htpasswd").write_text(login)
        return f"http://127.0.0.1:{port}/{name}"

    yield serve
    process.terminate()
    process.wait(10)
    process.stdout.close()
