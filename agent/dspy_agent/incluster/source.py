"""The agent pod's init container: puts the workspace's code in place, whole or not at all.

A clone is made beside its place and renamed into it. What a user changed there is never thrown
away: local commits keep a branch, and a folder that must give way is moved aside.
"""

from __future__ import annotations

import difflib
import errno
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dspy_agent.incluster.git import Git, endpoint, scrub
from dspy_agent.incluster.termination import Failed, end_with
from dspy_agent_core.contracts.cluster import GIT_SECRET_DIR, LOGS_DIR, SOURCE_DIR

_MARKER = "dspy-source.json"
_CLONE_PREFIX = ".clone-"
_ERRNO_REASONS = {
    errno.ENOSPC: "DiskFull",
    errno.EDQUOT: "DiskFull",
    errno.EROFS: "ReadOnlyFilesystem",
    errno.EACCES: "PermissionDenied",
    errno.EPERM: "PermissionDenied",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the code comes from: ``kind`` is git, pvc or empty; ``ref`` a branch, tag or commit."""

    kind: str
    url: str = ""
    ref: str = ""
    secret_name: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Source:
        """Read the source that the operator set."""
        return cls(
            kind=environment.get("DSPY_SOURCE_KIND", "empty"),
            url=environment.get("DSPY_SOURCE_URL", ""),
            ref=environment.get("DSPY_SOURCE_REF", ""),
            secret_name=environment.get("DSPY_SOURCE_SECRET", ""),
        )


def place(source: Source, target: Path, secret_dir: Path) -> None:
    """Put ``source`` at ``target``; do nothing if it is there already.

    Raises:
        Failed: with one of ``SOURCE_REASONS``.
    """
    try:
        if source.kind != "git":
            target.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=target):
                return
        _place_git(source, target, secret_dir)
    except OSError as error:
        raise _unusable(error, target) from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(error, folder) from error


def _unusable(error: OSError, folder: Path) -> Failed:
    reason = _ERRNO_REASONS.get(error.errno or 0, "SourceFailed")
    return Failed(reason, f"{folder}: {error.strerror or error}; check the workspace's volume.")


def _place_git(source: Source, target: Path, secret_dir: Path) -> None:
    host, port = endpoint(source.url)
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(_CLONE_PREFIX + "*"):
        shutil.rmtree(leftover)
    placed = _read_marker(target)
    if placed == (source.url, source.ref):
        return
    # The kubelet's own `..data` is there even where the Secret is not.
    if source.secret_name and not any(secret_dir.glob("[!.]*")):
        raise Failed(
            "AuthenticationFailed",
            f"Secret {source.secret_name!r} is not there or empty; create it with username and password, "
            "or ssh-privatekey, in the workspace's namespace.",
        )
    _check_reachable(source.url, host, port)
    git = Git(secret_dir)
    try:
        if placed and placed[0] == source.url:
            _switch(git, source, target)
        else:
            _clone(git, source, target)
    except Failed as failure:
        if failure.termination.reason == "AuthenticationFailed":
            told = (
                f"with Secret {source.secret_name!r}"
                if source.secret_name
                else "without spec.source.git.secretRef"
            )
            raise Failed(
                "AuthenticationFailed", f"{scrub(source.url)} refused access {told}. {failure}"
            ) from failure
        raise


def _check_reachable(url: str, host: str, port: int) -> None:
    if os.environ.get("HTTPS_PROXY") or os.environ.get("HTTP_PROXY"):
        return
    try:
        socket.create_connection((host, port), timeout=15).close()
    except OSError as error:
        raise Failed(
            "RepositoryUnreachable",
            f"{scrub(url)}: no connection to {host}:{port} ({error}); check the URL and the egress rules.",
        ) from error


def _clone(git: Git, source: Source, target: Path) -> None:
    clone = Path(tempfile.mkdtemp(prefix=_CLONE_PREFIX, dir=target.parent))
    try:
        sys.stderr.write(f"cloning {scrub(source.url)}\n")
        git.run("clone", "--quiet", "--no-checkout", "--", source.url, str(clone))
        _check_out(git, source, clone)
        _set_aside(git, target)
        clone.chmod(0o775)
        clone.rename(target)
    finally:
        shutil.rmtree(clone, ignore_errors=True)


def _switch(git: Git, source: Source, target: Path) -> None:
    """Move an existing clone to another ref, unless that would touch the user's changes."""
    if git.run("status", "--porcelain", cwd=target):
        sys.stderr.write(f"kept local changes: {source.ref or 'the default branch'} is not checked out\n")
        return
    git.run("fetch", "--quiet", "--prune", "--tags", "--force", "origin", cwd=target)
    if _only_here(git, target, "HEAD"):
        head = git.run("rev-parse", "HEAD", cwd=target)
        git.run("branch", f"dspy-agent/kept-{head[:12]}", head, cwd=target)
    _check_out(git, source, target)


def _only_here(git: Git, clone: Path, commit: str) -> bool:
    """Return whether no branch and no tag leads to ``commit``."""
    return bool(git.run("rev-list", "-n1", commit, "--not", "--branches", "--remotes", "--tags", cwd=clone))


def _check_out(git: Git, source: Source, clone: Path) -> None:
    ref = source.ref
    if not ref:
        if git.succeeds("rev-parse", "--verify", "-q", "origin/HEAD", cwd=clone):
            ref = git.run("rev-parse", "--abbrev-ref", "origin/HEAD", cwd=clone).removeprefix("origin/")
        elif not git.succeeds("rev-parse", "--verify", "-q", "HEAD", cwd=clone):
            _write_marker(clone, source)  # a repository without a commit
            return
    if ref and git.succeeds("rev-parse", "--verify", "-q", f"refs/remotes/origin/{ref}", cwd=clone):
        # -B only moves a branch without commits of its own; otherwise it is checked out as it is.
        local = f"refs/heads/{ref}"
        exists = git.succeeds("rev-parse", "--verify", "-q", local, cwd=clone)
        ahead = exists and git.run("rev-list", "-n1", local, "--not", "--remotes", cwd=clone)
        arguments = [ref] if ahead else ["-B", ref, "--track", f"origin/{ref}"]
        git.run("checkout", "--quiet", *arguments, "--", cwd=clone)
    else:
        git.run(
            "checkout", "--quiet", "--detach", _commit(git, source.url, ref or "HEAD", clone), "--", cwd=clone
        )
    _write_marker(clone, source)


def _commit(git: Git, url: str, ref: str, clone: Path) -> str:
    for name in (f"refs/tags/{ref}", ref):
        if git.succeeds("rev-parse", "--verify", "-q", f"{name}^{{commit}}", cwd=clone):
            return git.run("rev-parse", "--verify", f"{name}^{{commit}}", cwd=clone)
    if not ref.startswith("-") and git.succeeds("fetch", "--quiet", "origin", ref, cwd=clone):
        return git.run("rev-parse", "FETCH_HEAD^{commit}", cwd=clone)
    known = git.run("for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags", "refs/remotes", cwd=clone)
    names = [name.removeprefix("origin/") for name in known.splitlines()]
    near = difflib.get_close_matches(ref, names, n=3)
    hint = f"near names: {', '.join(near)}" if near else f"it has {len(names)} branches and tags"
    raise Failed("RefNotFound", f"{scrub(url)} has no branch, tag or commit {ref!r}; {hint}.")


def _set_aside(git: Git, target: Path) -> None:
    """Make room at ``target``: an untouched clone goes, anything else moves to ``target.before-N``."""
    if not target.exists():
        return
    if not any(target.iterdir()):
        target.rmdir()
        return
    if _read_marker(target) and _untouched(git, target):
        shutil.rmtree(target)
        return
    number = 1
    while (aside := target.with_name(f"{target.name}.before-{number}")).exists():
        number += 1
    target.rename(aside)
    sys.stderr.write(f"kept the former source at {aside}\n")


def _untouched(git: Git, clone: Path) -> bool:
    return not git.run("status", "--porcelain", "--ignored", cwd=clone) and not git.run(
        "rev-list", "-n1", "--branches", "HEAD", "--not", "--remotes", "--tags", cwd=clone
    )


def _read_marker(target: Path) -> tuple[str, str] | None:
    try:
        data = json.loads((target / ".git" / _MARKER).read_text(encoding="utf-8"))
        return str(data["url"]), str(data["ref"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_marker(clone: Path, source: Source) -> None:
    marker = clone / ".git" / _MARKER
    temporary = marker.with_suffix(".tmp")
    temporary.write_text(json.dumps({"url": source.url, "ref": source.ref}), encoding="utf-8")
    temporary.replace(marker)


def main() -> None:
    """Place the source that the environment names, or end with the reason why not."""
    target = Path(os.environ.get("DSPY_AGENT_WORKSPACE", SOURCE_DIR))
    logs = Path(os.environ.get("DSPY_AGENT_LOGS", LOGS_DIR).split(os.pathsep)[0])
    try:
        place(Source.from_environment(os.environ), target, Path(GIT_SECRET_DIR))
        for folder in (logs, Path(os.environ.get("HOME", "/"))):
            _make(folder)
    except Failed as failure:
        end_with(failure)


if __name__ == "__main__":
    main()
