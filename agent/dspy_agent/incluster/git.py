"""Runs git without prompts, without its user's settings, and tells its failures by reason."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from dspy_agent.incluster.termination import Failed

_SCP_LIKE = re.compile(r"^(?:[\w.-]+@)?(?P<host>[\w.-]+):(?!:|//)")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
# First match wins; the texts are git's and libcurl's own, in the C locale.
_FAILURES = (
    (r"No space left on device|Disk quota exceeded", "DiskFull"),
    (r"Read-only file system", "ReadOnlyFilesystem"),
    (
        r"Authentication failed|could not read (Username|Password)|Permission denied \(publickey"
        r"|error: 40[13]\b|Host key verification failed|invalid credentials",
        "AuthenticationFailed",
    ),
    (
        r"[Rr]epository .*not found|error: 404\b|does not appear to be a git repository"
        r"|not valid: is this a git",
        "RepositoryNotFound",
    ),
    (
        r"Could not resolve host|Failed to connect|Couldn't connect|Connection (refused|timed out|reset)"
        r"|unable to access|unable to connect|Operation too slow|early EOF|Network is unreachable"
        r"|error: 5\d\d\b",
        "RepositoryUnreachable",
    ),
    (r"[Pp]ermission denied|insufficient permission", "PermissionDenied"),
)
_NEXT_STEPS = {
    "DiskFull": "grow spec.storage.size",
    "ReadOnlyFilesystem": "check the workspace's volume",
    "RepositoryNotFound": "check spec.source.git.url",
    "RepositoryUnreachable": "check spec.source.git.url and the egress rules",
    "PermissionDenied": "check who owns the workspace's volume",
}


def scrub(text: str) -> str:
    """Return ``text`` with user names and passwords in URLs taken out."""
    return re.sub(r"(\w+://)[^/\s@]+@", r"\1", text)


def endpoint(url: str) -> tuple[str, int]:
    """Return host and TCP port of a repository URL.

    Raises:
        Failed: ``InvalidSource`` if it is none that can be cloned (http, https, ssh, git, ``host:path``).
    """
    parts = urlsplit(url)
    try:
        if parts.scheme in _DEFAULT_PORTS and parts.hostname:
            return parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        pass
    scp = None if parts.scheme in _DEFAULT_PORTS or "://" in url else _SCP_LIKE.match(url)
    if scp:
        return scp["host"], 22
    raise Failed(
        "InvalidSource",
        f"{scrub(url)!r} is no repository URL; set spec.source.git.url to an http(s), ssh or git URL.",
    )


class Git:
    """git, with the credentials of a mounted Secret.

    Args:
        secret_dir: holds ``username`` and ``password`` (or ``token``), or ``ssh-privatekey`` and
            ``known_hosts``; it may be absent.
    """

    def __init__(self, secret_dir: Path) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "http:https:ssh:git",
            "GIT_SSH_COMMAND": _ssh_command(secret_dir),
        } | {
            name: os.environ[name]
            for name in ("GIT_SSL_CAINFO", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
            if name in os.environ
        }
        self._options = [
            "-c",
            "safe.directory=*",
            "-c",
            "http.lowSpeedLimit=1000",
            "-c",
            "http.lowSpeedTime=30",
        ]
        self._options += [
            "-c",
            "credential.helper=",
            "-c",
            f"credential.helper={_credential_helper(secret_dir)}",
        ]

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git and return its output.

        Raises:
            Failed: with the reason that git's words stand for.
        """
        done = self._call(arguments, cwd)
        if done.returncode:
            reason = _reason(done.stderr)
            step = _NEXT_STEPS.get(reason)
            raise Failed(reason, _sentence(done.stderr) + (f"; {step}." if step else ""))
        return done.stdout.strip()

    def succeeds(self, *arguments: str, cwd: Path) -> bool:
        """Return whether git exits with 0."""
        return self._call(arguments, cwd).returncode == 0

    def _call(self, arguments: tuple[str, ...], cwd: Path | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *self._options, *arguments],
            cwd=cwd,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


def _reason(stderr: str) -> str:
    return next((reason for pattern, reason in _FAILURES if re.search(pattern, stderr)), "SourceFailed")


def _sentence(stderr: str) -> str:
    lines = [line for line in scrub(stderr).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines[-2:]
    return " ".join(told) or "git failed without a word"


def _credential_helper(secret_dir: Path) -> str:
    """Return a helper that reads the files when git asks, so that no secret is in an argument or variable."""
    folder = shlex.quote(str(secret_dir))
    return (
        f'!f() {{ test "$1" = get || exit 0; d={folder}; '
        'p=$d/password; test -f "$p" || p=$d/token; test -f "$p" || exit 0; '
        'if test -f "$d/username"; then echo "username=$(cat "$d/username")"; else echo username=git; fi; '
        'echo "password=$(cat "$p")"; }; f'
    )


def _ssh_command(secret_dir: Path) -> str:
    command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15"]
    key, known_hosts = secret_dir / "ssh-privatekey", secret_dir / "known_hosts"
    if key.exists():
        command += ["-i", str(key), "-o", "IdentitiesOnly=yes"]
    if known_hosts.exists():
        command += ["-o", f"UserKnownHostsFile={known_hosts}", "-o", "StrictHostKeyChecking=yes"]
    else:
        command += ["-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=accept-new"]
    return shlex.join(command)
