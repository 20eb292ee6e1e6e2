"""The program that shuts itself in and then runs the command: ``inside SPEC COMMAND…``.

It runs under a bare interpreter (``python -I -S``) with the standard library only. ``SPEC`` is the JSON of
``dspy_agent.sandbox.run``. What came of it is written to the descriptor ``report`` as one JSON object:
``{"code"}`` of the command (negative: the signal that ended it), or ``{"error"}``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
from typing import Any, Final, NoReturn

from dspy_agent.sandbox import kernel, landlock, mounts, orphans, seccomp

_SIOCSIFFLAGS: Final = 0x8914
_UP: Final = 1
_FAILED: Final = 125


def main(arguments: list[str]) -> NoReturn:
    """Do what the module says; never returns."""
    spec: dict[str, Any] = json.loads(arguments[0])
    report = spec["report"]
    os.set_inheritable(report, False)
    os.set_inheritable(spec["alive"], False)
    try:
        if spec["how"] == "namespaces":
            _enter_namespaces(spec)
        elif _is_first(spec):
            kernel.die_with_parent(signal.SIGKILL)
        else:
            orphans.end_all_when_parent_ends()
        _end_if_alone(spec["alive"])
        ready, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(ready, 1)
            _run(spec, arguments[1:])
        kernel.hide_from_same_user()
        os.close(go)  # only now: the command must not find this process open to it
    except OSError as error:
        _tell(report, {"error": str(error)})
        os._exit(_FAILED)
    status = _wait_for(child)
    if not _is_first(spec):
        orphans.end_all()
    _tell(report, {"code": os.waitstatus_to_exitcode(status)})
    os._exit(0)


def _is_first(spec: dict[str, Any]) -> bool:
    """Return whether this is the first process of a namespace: with it, all end, and none can end it."""
    return spec["how"] in ("namespaces", "bubblewrap")


def _enter_namespaces(spec: dict[str, Any]) -> None:
    """Go on as the first process of new namespaces; the one before waits for its end."""
    user, group = os.geteuid(), os.getegid()
    own = kernel.NEWUSER | kernel.NEWNS | kernel.NEWPID | kernel.NEWNET
    kernel.unshare(own | kernel.NEWIPC | kernel.NEWUTS | kernel.NEWCGROUP)
    kernel.die_with_parent(signal.SIGKILL)
    _end_if_alone(spec["alive"])
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    first = os.fork()
    if first:
        os.close(spec["report"])
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
        os.waitpid(first, 0)  # comes back when all of the namespace have ended
        os._exit(0)
    kernel.die_with_parent(signal.SIGKILL)
    _bring_loopback_up()
    mounts.build_view(spec["writable"], spec["readable"], spec["hidden"], spec["tmp_bytes"])
    socket.sethostname("sandbox")


def _end_if_alone(alive: int) -> None:
    """End if who started this ended before it could be told."""
    asked = select.poll()
    asked.register(alive)
    if asked.poll(0):
        os._exit(_FAILED)


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP))


def _run(spec: dict[str, Any], command: list[str]) -> NoReturn:
    """Become ``command``, within limits."""
    try:
        os.setsid()
        with contextlib.suppress(OSError):
            _write("/proc/self/oom_score_adj", "1000")  # where memory ends, the command does
        for name in spec["folders"]:
            os.makedirs(name, exist_ok=True)
        os.chdir(spec["cwd"])
        for name, value in spec["limits"].items():
            _limit(getattr(resource, name), value)
        kernel.gain_no_privileges()
        kernel.drop_capabilities()
        _confine(spec, [os.getppid(), spec["caller"]])
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
    except OSError as error:
        _tell(spec["report"], {"error": str(error)})
        os._exit(_FAILED)
    try:
        os.execvpe(command[0], command, os.environ)  # noqa: S606  that is what it is for
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        os.write(2, f"{command[0]}: {error.strerror}\n".encode("utf-8", "replace"))
        os._exit(127 if missing else 126)


def _confine(spec: dict[str, Any], unkillable: list[int]) -> None:
    """Shut the rest, by what this kind of sandbox has."""
    how = spec["how"]
    newer = landlock.version() if how == "landlock" else 0
    if how == "landlock":
        landlock.confine(spec["writable"], spec["hidden"])
    if how == "none" or not seccomp.is_known():
        return
    apart = _is_first(spec)
    seccomp.restrict(
        sockets=apart,
        path_truncate=apart or newer >= 3,
        unkillable=() if apart or newer >= 6 else unkillable,
    )


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _wait_for(child: int) -> int:
    """Reap children until ``child`` ends; return its status."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            return status


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _tell(descriptor: int, what: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, json.dumps(what).encode())
