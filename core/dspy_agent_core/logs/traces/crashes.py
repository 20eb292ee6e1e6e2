"""Crashes below exceptions: C++, assertions, sanitizers, valgrind, faulthandler, the JVM itself, Linux."""

from __future__ import annotations

import re

from dspy_agent_core.logs.traces.model import RawFrame, Trace

_TERMINATE = re.compile(
    r"(?:libc\+\+abi: )?terminat(?:e called|ing)(?: after throwing an instance of '(?P<type>[^']+)'"
    r"| due to uncaught exception of type (?P<type2>[^\n:]+)(?:: (?P<message2>.*))?|(?P<rest> .*))$"
)
_WHAT = re.compile(r"\s+what\(\):  ?(?P<message>.*)$", re.S)
_ASSERT = re.compile(
    r"(?:\S+: )?(?P<path>[^\s:]+):(?P<line>\d+): (?P<call>.+?): Assertion [`'](?P<message>.*)' failed\.$"
)
_SANITIZER = re.compile(
    r"(?:==\d+==\s*)?(?:(?:ERROR|WARNING): )?(?P<type>(?:Address|Memory|Thread|Leak"
    r"|UndefinedBehavior|HWAddress)Sanitizer):?"
    r" (?P<message>.*?)(?: on (?:unknown )?address .*| \(pid=\d+\))?$"
)
_NATIVE_FRAME = re.compile(
    r"\s*#\d+\s+(?:0x[0-9a-f]+ )?(?:in )?(?P<call>\S.*?)(?: \([^()]*\)+)? (?:at )?"
    r"(?P<path>[^\s()]+?):(?P<line>\d+)(?::\d+)?(?: \(.*\))?$"
)
SANITIZER_MORE = re.compile(
    r"\s+#\d+ |(?:READ|WRITE) of size|0x[0-9a-f]+ is located|(?:previously |freed "
    r"|allocated )?\w* ?(?:allocated|freed) by thread"
    r"|SUMMARY: |Shadow byte|(?:=>| +)0x[0-9a-f]+:|  [A-Z][\w ]+: |HINT: |Address 0x|Direct leak"
    r"|Indirect leak"
    r"|  (?:Previous |Atomic )?(?:[Rr]ead|[Ww]rite) of|==\d+==(?:ABORTING|Register|The signal"
    r"|Hint:)|={18,}$|  Location is|  Thread T"
)

_VALGRIND = re.compile(
    r"==\d+== (?P<type>Invalid (?:read|write|free)\S*.*|Conditional jump .*"
    r"|Use of uninitialised .*|Mismatched free.*"
    r"|Process terminating with .*|Jump to the invalid address.*|Syscall param .*"
    r"|Source and destination overlap .*"
    r"|[\d,]+ .*bytes in [\d,]+ blocks are definitely lost.*)$"
)
_VALGRIND_FRAME = re.compile(
    r"==\d+==    (?:at|by) 0x[0-9A-F]+: (?P<call>.+?) \((?P<path>[^\s():]+):(?P<line>\d+)\)$"
)
VALGRIND_MORE = re.compile(r"==\d+==  +\S")

_FAULT = re.compile(r"(?P<type>Fatal Python error|Windows fatal exception): (?P<message>.*)$")
_FAULT_FRAME = re.compile(r'  File "(?P<path>[^"]+)", line (?P<line>\d+) in (?P<call>.+)$')
FAULT_MORE = re.compile(
    r"(?:Current t|T)hread 0x[0-9a-f]+|  File \"|Python runtime state|Extension modules: "
    r"|  <no Python frame>"
)

_JVM = re.compile(r"# A fatal error has been detected by the Java Runtime Environment")
_JVM_SIGNAL = re.compile(
    r"#  (?P<type>SIG\w+|EXCEPTION_\w+|Internal Error|Out of Memory Error)\b(?P<message>.*)$"
)
_JVM_FRAME = re.compile(r"# [A-Za-z]  (?P<call>.+)$")
JVM_MORE = re.compile(r"#(?:$| )")

_KERNEL = re.compile(
    r"(?:\[ *\d+\.\d+\] )?(?P<type>BUG|Oops|kernel BUG at \S+|Unable to handle kernel [\w ]+"
    r"|general protection fault|Kernel panic - not syncing)"
    r"(?:: (?P<message>.*)|!?$)"
)
_KERNEL_FRAME = re.compile(r"(?:\[ *\d+\.\d+\] )?(?:RIP: 0010:| )(?P<call>[\w.]+)\+0x[0-9a-f]+/0x[0-9a-f]+")
KERNEL_MORE = re.compile(
    r"(?:\[ *\d+\.\d+\] )?(?:Call Trace:|RIP: |RSP: |R[A-D]X: |CPU: \d|Hardware name|Code: |PGD "
    r"|Modules linked|---\[ end|CR2: | <\w+>| [\w.]+\+0x)"
)


_GIN_FRAME = re.compile(r"(?P<path>\S+\.go):(?P<line>\d+) \(0x[0-9a-f]+\)$")
GIN_MORE = re.compile(rf"{_GIN_FRAME.pattern}|\t\S")


def is_terminate(text: str) -> bool:
    """Return whether ``text`` begins what the C++ runtime says of an exception nobody caught."""
    return _TERMINATE.match(text) is not None


def parse_terminate(texts: list[str]) -> Trace | None:
    """Return the C++ exception; there is no place in it."""
    head = _TERMINATE.match(texts[0])
    if head is None:
        return None
    message = [head["message2"] or (head["rest"] or "").strip()]
    for text in texts[1:]:
        if found := _WHAT.match(text):
            message = [found["message"]]
        elif text.strip():
            message.append(text)
    return Trace((head["type"] or head["type2"] or "terminate").strip(), "\n".join(message).strip())


def is_assertion(text: str) -> bool:
    """Return whether ``text`` is what C's ``assert`` prints."""
    return _ASSERT.match(text) is not None


def parse_assertion(texts: list[str]) -> Trace | None:
    """Return the failed assertion of a C program."""
    found = _ASSERT.match(texts[0])
    return Trace("Assertion failed", found["message"], (_frame(found),)) if found else None


def is_sanitizer(text: str) -> bool:
    """Return whether ``text`` begins the report of a sanitizer."""
    return _SANITIZER.match(text) is not None and not text.startswith("SUMMARY")


def parse_sanitizer(texts: list[str]) -> Trace | None:
    """Return the report of a sanitizer: its first stack is where it happened."""
    head = _SANITIZER.match(texts[0])
    if head is None:
        return None
    frames: list[RawFrame] = []
    for text in texts[1:]:
        if found := _NATIVE_FRAME.match(text):
            frames.append(_frame(found))
        elif frames and not text.strip():
            break
    return Trace(head["type"], head["message"], tuple(frames))


def is_valgrind(text: str) -> bool:
    """Return whether ``text`` begins an error of valgrind."""
    return _VALGRIND.match(text) is not None


def parse_valgrind(texts: list[str]) -> Trace | None:
    """Return the error of valgrind: its first stack is where it happened."""
    head = _VALGRIND.match(texts[0])
    if head is None:
        return None
    frames: list[RawFrame] = []
    for text in texts[1:]:
        if found := _VALGRIND_FRAME.match(text):
            frames.append(_frame(found))
        elif frames and "    by 0x" not in text:
            break
    return Trace(head["type"], "", tuple(frames))


def is_fault(text: str) -> bool:
    """Return whether ``text`` begins what Python's faulthandler prints."""
    return _FAULT.match(text) is not None


def parse_fault(texts: list[str]) -> Trace | None:
    """Return the fatal error with the frames of the current thread, innermost first."""
    head = _FAULT.match(texts[0])
    if head is None:
        return None
    threads: list[tuple[bool, list[RawFrame]]] = [(False, [])]
    for text in texts[1:]:
        if found := _FAULT_FRAME.match(text):
            threads[-1][1].append(_frame(found))
        elif "hread 0x" in text:
            threads.append((text.startswith("Current"), []))
    frames = next((frames for current, frames in threads if current), threads[-1][1])
    return Trace(head["type"], head["message"], tuple(frames))


def is_jvm_crash(text: str) -> bool:
    """Return whether ``text`` begins the report of a crash of the JVM itself."""
    return _JVM.match(text) is not None


def parse_jvm_crash(texts: list[str]) -> Trace | None:
    """Return the signal and the frame that the JVM blames."""
    signal = next((found for text in texts if (found := _JVM_SIGNAL.match(text))), None)
    frame = next((found["call"] for text in texts if (found := _JVM_FRAME.match(text))), None)
    if signal is None:
        return None
    return Trace(
        signal["type"], signal["message"].strip(" ()"), (RawFrame(frame, None, None),) if frame else ()
    )


def is_kernel(text: str) -> bool:
    """Return whether ``text`` begins an oops of Linux."""
    return _KERNEL.match(text) is not None


def parse_kernel(texts: list[str]) -> Trace | None:
    """Return the oops with the functions of its call trace."""
    head = _KERNEL.match(texts[0])
    if head is None:
        return None
    calls = [found["call"] for text in texts[1:] if (found := _KERNEL_FRAME.match(text))]
    return Trace(head["type"], head["message"] or "", tuple(RawFrame("kernel", None, call) for call in calls))


def is_gin(text: str) -> bool:
    """Return whether ``text`` begins what Gin prints of a panic that it recovered."""
    return text.endswith("panic recovered:")


def parse_gin(texts: list[str]) -> Trace | None:
    """Return the panic: its message stands right above the frames, each of which has two lines."""
    places = [(number, at) for number, text in enumerate(texts) if (at := _GIN_FRAME.match(text))]
    if not places:
        return None
    calls = [
        texts[number + 1].strip().partition(": ")[0] if number + 1 < len(texts) else ""
        for number, _ in places
    ]
    frames = [
        RawFrame(at["path"], int(at["line"][:9]), call) for (_, at), call in zip(places, calls, strict=True)
    ]
    message = next((text for text in reversed(texts[: places[0][0]]) if text.strip()), "")
    return Trace("panic", message, tuple(frames))


def _frame(found: re.Match[str]) -> RawFrame:
    return RawFrame(found["path"], int(found["line"][:9]), found["call"])
