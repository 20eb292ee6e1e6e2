"""The event log stays out of git's sight and our own tools', and nothing else of the repository changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.exclude import keep_from_git
from tests.learning.kit import dspy_agent, events, project, used


def git(*words: str, cwd: Path) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *words], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = project(tmp_path / "shop")
    git("init", "--quiet", cwd=folder)
    git("add", ".", cwd=folder)
    git("commit", "--quiet", "-m", "all", cwd=folder)
    return folder


def exclude(repository: Path) -> Path:
    return repository / ".git" / "info" / "exclude"


def test_a_search_leaves_a_clean_repository_clean(repository: Path) -> None:
    before = exclude(repository).read_text()
    used("esearch", "parse date", cwd=repository)
    used("codectx", "dates.py", cwd=repository)
    assert len(events(repository)) == 3
    assert git("status", "--porcelain", cwd=repository) == ""
    assert exclude(repository).read_text() == f"{before}{LOG_NAME}\n"


def test_our_own_tools_do_not_find_it(repository: Path) -> None:
    used("esearch", "parse date", cwd=repository)
    assert dspy_agent("grep", "decision_id", cwd=repository).returncode == 1
    assert dspy_agent("esearch", "decision_id", cwd=repository).returncode == 1
    assert ".dspy" not in used("tree", cwd=repository).stdout


@pytest.mark.parametrize("rule", [LOG_NAME, ".dspy_*", "*.jsonl"])
def test_what_is_ignored_already_is_left_alone(repository: Path, rule: str) -> None:
    (repository / ".gitignore").write_text(f"{rule}\n")
    before = exclude(repository).read_bytes()
    keep_from_git(repository, LOG_NAME)
    assert exclude(repository).read_bytes() == before


@pytest.mark.parametrize("before", [b"*.log", b"*.log\n", b"# caf\xe9\r\n", b""])
def test_the_users_own_lines_stay_and_ours_comes_once(repository: Path, before: bytes) -> None:
    exclude(repository).write_bytes(before)
    keep_from_git(repository, LOG_NAME)
    keep_from_git(repository, LOG_NAME)
    after = exclude(repository).read_bytes()
    assert after.startswith(before)
    assert after[len(before) :].strip() == LOG_NAME.encode()


def test_a_folder_of_a_repository_and_a_worktree(repository: Path, tmp_path: Path) -> None:
    exclude(repository).unlink()
    exclude(repository).parent.rmdir()
    git("worktree", "add", "--quiet", str(tmp_path / "tree"), cwd=repository)
    (tmp_path / "tree" / "src").mkdir()
    keep_from_git(tmp_path / "tree" / "src", LOG_NAME)
    (tmp_path / "tree" / "src" / LOG_NAME).touch()
    (repository / LOG_NAME).touch()
    assert git("status", "--porcelain", cwd=tmp_path / "tree") == ""
    assert git("status", "--porcelain", cwd=repository) == ""


def test_what_is_no_repository_of_ones_own_is_left_alone(repository: Path, tmp_path: Path) -> None:
    before = exclude(repository).read_bytes()
    pointers = {"nowhere": "gitdir: /nowhere\n", "folder": f"gitdir: {tmp_path}\n", "garbage": "\0" * 50}
    for name, text in pointers.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ".git").write_text(text)
        keep_from_git(tmp_path / name, LOG_NAME)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").symlink_to(repository / ".git")
    keep_from_git(tmp_path / "linked", LOG_NAME)
    assert exclude(repository).read_bytes() == before
    assert not (tmp_path / "info").exists()


def test_no_link_in_the_git_folder_is_followed(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    exclude(repository).unlink()
    exclude(repository).symlink_to(outside)
    keep_from_git(repository, LOG_NAME)
    assert outside.read_text() == "mine"
    exclude(repository).unlink()
    exclude(repository).parent.rmdir()
    (tmp_path / "elsewhere").mkdir()
    (repository / ".git" / "info").symlink_to(tmp_path / "elsewhere")
    keep_from_git(repository, LOG_NAME)
    assert not list((tmp_path / "elsewhere").iterdir())
