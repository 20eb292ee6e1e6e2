"""Refuses system calls that no test needs, and sockets where no network namespace keeps them apart.

A filter of classic BPF over ``struct seccomp_data``: number, architecture, instruction pointer, arguments.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from dspy_agent.sandbox import kernel

# Numbers by architecture; those above 424 are the same everywhere.
_NEWER: Final = {"io_uring_setup": 425, "pidfd_open": 434}
_NUMBERS: Final[dict[str, dict[str, int]]] = {
    "x86_64": {
        **{"socket": 41, "kill": 62, "truncate": 76, "ptrace": 101, "mount": 165, "tgkill": 234},
        **{"add_key": 248, "request_key": 249, "keyctl": 250, "perf_event_open": 298, "bpf": 321},
        **{"process_vm_writev": 311, "userfaultfd": 323, "rt_sigqueueinfo": 129},
    },
    "aarch64": {
        **{"mount": 40, "truncate": 45, "ptrace": 117, "kill": 129, "tgkill": 131, "socket": 198},
        **{"add_key": 217, "request_key": 218, "keyctl": 219, "perf_event_open": 241, "bpf": 280},
        **{"process_vm_writev": 271, "userfaultfd": 282, "rt_sigqueueinfo": 138},
    },
}
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALWAYS: Final = (
    *("add_key", "request_key", "keyctl", "perf_event_open", "bpf", "userfaultfd", "io_uring_setup", "mount"),
)
_SIGNALLING: Final = ("kill", "tgkill", "rt_sigqueueinfo", "pidfd_open")
_X32: Final = 0x40000000

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_FIRST_ARGUMENT: Final = 16
_PR_SET_SECCOMP: Final = 22
_FILTER: Final = 2

Instruction = tuple[int, int, int, int]


def is_known() -> bool:
    """Return whether the system calls of this machine's architecture are known here."""
    return platform.machine() in _NUMBERS


def restrict(*, sockets: bool, path_truncate: bool, unkillable: Sequence[int]) -> None:
    """Refuse dangerous system calls, for this process and what it runs. It must have given up privileges.

    Args:
        sockets: whether they may be made.
        path_truncate: whether files may be truncated by their path.
        unkillable: processes that may get no signal.

    Raises:
        OSError: the kernel has no seccomp.
    """
    machine = platform.machine()
    numbers = _NUMBERS[machine] | _NEWER
    refused = [*_ALWAYS, *([] if sockets else ["socket"]), *([] if path_truncate else ["truncate"])]
    code = _program(
        _ARCHITECTURES[machine],
        [numbers[name] for name in refused],
        [numbers[name] for name in _SIGNALLING] if unkillable else [],
        unkillable,
    )
    packed = b"".join(struct.pack("HBBI", *instruction) for instruction in code)
    instructions = ctypes.create_string_buffer(packed, len(packed))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(instructions)))
    kernel.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.addressof(program))


def _program(
    architecture: int, refused: Iterable[int], signalling: Sequence[int], unkillable: Sequence[int]
) -> list[Instruction]:
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in refused:
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    if signalling:
        for at, number in enumerate(signalling):
            code.append((_EQUAL, len(signalling) - at, 0, number))
        code += [(_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
        # A process, its group, and "all": as the unsigned 32 bits that the kernel compares.
        targets = {value & 0xFFFFFFFF for process in unkillable for value in (process, -process)}
        for value in sorted(targets | {0xFFFFFFFF}):
            code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _REFUSE)]
    return [*code, (_RETURN, 0, 0, _ALLOW)]
