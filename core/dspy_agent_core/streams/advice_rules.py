"""What to check for which error: rules that a person would name first, in order of how telling they are.

Groups of a pattern fill ``{}`` places of its steps. Log text is no command: a group is put into a step only
where it is a plain name, path or address (see ``advice.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of error.

    Args:
        name: of the rule.
        pattern: searched in ``Type: message`` of an error or of one of its causes.
        steps: what to do; those with a ``{group}`` that did not match, or is no plain word, are left out.
    """

    name: str
    pattern: re.Pattern[str]
    steps: tuple[str, ...]


def _rule(name: str, pattern: str, *steps: str) -> Rule:
    return Rule(name, re.compile(pattern, re.I), steps)


_ADDRESS = r"(?:.{0,200}?(?P<host>[\w.-]*[a-z0-9-]):(?P<port>\d{2,5})\b)?"
_STATUS = r"\b(?:HTTP|status|code|error|response)\W{1,3}(?:code\W{1,3})?"

RULES: Final[tuple[Rule, ...]] = (
    _rule(
        "missing-module",
        r"No module named '(?P<module>[\w.]+)'|Cannot find (?:module|package) '(?P<package>[@\w./-]+)'"
        r"|ClassNotFoundException|NoClassDefFoundError|cannot load such file|no required module provides",
        "Add {module} to the dependencies; `python -m pip show {module}` says whether it is installed.",
        "Add {package} to package.json and install: `npm ls {package}` says whether it is there.",
        "Compare the dependencies of the image that runs with those that are locked in the repository.",
    ),
    _rule(
        "import-name",
        r"cannot import name '(?P<name>\w+)' from (?:partially initialized module )?'(?P<module>[\w.]+)'",
        "See whether {module} still has {name}, and whether the two modules import each other: "
        "`dspy-agent grep {name}`",
    ),
    _rule(
        "out-of-memory",
        r"MemoryError|OutOfMemory|OOMKilled|out of memory|Killed process \d+|heap out of memory"
        r"|Cannot allocate memory",
        "Compare the memory in use with the limit: `kubectl top pod`, or `free -m` on the machine.",
        "Look for what grows with the input: whole files or tables in memory, caches without a bound.",
    ),
    _rule(
        "disk-full",
        r"No space left on device|ENOSPC|disk quota exceeded|database or disk is full",
        "See what fills the disk: `df -h` and `df -i`, then `du -xh --max-depth=2 / | sort -h | tail`.",
        "Let old logs and temporary files go, or let the volume grow.",
    ),
    _rule(
        "too-many-open-files",
        r"Too many open files|EMFILE|ENFILE",
        "Count the open files and see the limit: `ls /proc/<pid>/fd | wc -l`, `ulimit -n`.",
        "Look for files, sockets and clients that are opened for each request and not closed.",
    ),
    _rule(
        "port-in-use",
        r"Address already in use|EADDRINUSE|BindException" + _ADDRESS,
        "Find what listens there: `ss -ltnp`.",
        "Make sure that the old process has ended before the new one starts, or choose another port.",
    ),
    _rule(
        "name-resolution",
        r"Name or service not known|Temporary failure in name resolution|nodename nor servname"
        r"|gaierror|UnknownHost(?:Exception)?(?:: (?P<host>[\w.-]+))?|no such host"
        r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ?(?P<name>[\w.-]+)?",
        "Check the name: `getent hosts {host}`.",
        "Check the name: `getent hosts {name}`.",
        "Check the host's name in the configuration, and whether DNS answers from where this runs.",
    ),
    _rule(
        "tls",
        r"certificate verify failed|SSLError|SSLHandshake|SSLCertVerification|x509: "
        r"|self[- ]signed certificate|certificate has expired|CERT_",
        "See the certificate: `openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -dates`.",
        "Check that the client trusts its issuer and that the clocks are right.",
    ),
    _rule(
        "connection-refused",
        r"(?:Connection refused|ECONNREFUSED|ConnectionRefused|Failed to establish a new connection"
        r"|actively refused)" + _ADDRESS,
        "See whether anything listens: `nc -vz {host} {port}`.",
        "Check that the service it calls runs and that its address is the one in the configuration.",
    ),
    _rule(
        "connection-lost",
        r"Connection reset|ECONNRESET|ConnectionResetError|Broken ?pipe|EPIPE|Connection aborted"
        r"|server closed the connection|RemoteDisconnected|socket hang up",
        "Read the other side's log at the same time: it, or a proxy between, closed the connection.",
        "See that idle connections are checked before they are used, and calls that may be repeated are.",
    ),
    _rule(
        "pool-exhausted",
        r"QueuePool limit|too many (?:connections|clients)|remaining connection slots|PoolTimeout"
        r"|Connection is not available, request timed out|pool (?:is )?exhausted",
        "Look for connections that are not given back, then compare the pool's size times the processes with "
        "what the database allows.",
    ),
    _rule(
        "timeout",
        r"Time(?:d)? ?out|ETIMEDOUT|deadline exceeded|DeadlineExceeded|read timeout",
        "See how long the call takes now, and whether the other side is slow or does not answer at all.",
        "Give the call a time limit below its caller's, and repeat only what is safe to repeat.",
    ),
    _rule(
        "rate-limit",
        r"Too Many Requests|" + _STATUS + r"429\b|rate.?limit|quota exceeded|ThrottlingException",
        "Send less, or wait as Retry-After says; see which caller sends most.",
    ),
    _rule(
        "database-constraint",
        r"IntegrityError|duplicate key|UNIQUE constraint|violates (?:foreign key|not-null|unique|check)"
        r"|Duplicate entry|FOREIGN KEY constraint",
        "Find the row that is in the way and who wrote it: two writers, or a request that was sent twice.",
    ),
    _rule(
        "database-schema",
        r"no such (?:table|column)|relation \S+ does not exist|UndefinedTable|UndefinedColumn"
        r"|Unknown column|Table '\S+' doesn't exist",
        "Compare the migrations that ran with those in the repository: this code expects another schema.",
    ),
    _rule(
        "database-lock",
        r"deadlock|database is locked|Lock wait timeout|could not obtain lock|SerializationFailure",
        "See which transactions hold the locks, keep them short, and take locks in one order; repeat the one "
        "that was ended.",
    ),
    _rule(
        "credentials",
        r"authentication failed|Access denied for user|invalid (?:credentials|token|api key|password)"
        r"|token (?:has )?expired|Unauthorized|Forbidden|AccessDenied(?:Exception)?\b|"
        + _STATUS
        + r"40[13]\b",
        "Check which credentials this process has, whether they have expired, and what they allow.",
    ),
    _rule(
        "permission",
        r"Permission ?(?:Error|denied)|EACCES|EPERM|Operation not permitted|Read-only file system|EROFS",
        "Compare the file's owner with the user that runs this: `id`, `ls -ld` on it and on its folders.",
        "In a container, check the volume's fsGroup and whether the root file system is read-only.",
    ),
    _rule(
        "missing-file",
        r"(?:FileNotFound|No such file or directory|ENOENT|NoSuchFile|cannot find the (?:file|path))"
        r"(?:.{0,120}?'(?P<path>[\w./-]+)')?",
        "See what is there: `ls -la {path}`.",
        "Check the path in the configuration against the folder the process runs in and its mounts.",
    ),
    _rule(
        "missing-setting",
        r"environment variable|os\.environ|(?:setting|config\w*|variable) \S{0,60} ?(?:is )?"
        r"(?:not set|missing|required)",
        "Compare the environment that the process has with what the program asks for: `env | sort`.",
    ),
    _rule(
        "bad-json",
        r"JSONDecodeError|Unexpected (?:token|end of JSON)|JsonParse|invalid character .{0,20} looking for"
        r"|Expecting (?:value|property name)|is not valid JSON",
        "Log the first bytes and the status of that answer: it is often an HTML error page or empty.",
    ),
    _rule(
        "bad-encoding",
        r"Unicode(?:Decode|Encode)Error|codec can't (?:de|en)code|invalid (?:UTF-8|byte sequence)"
        r"|MalformedInput",
        "Find where these bytes come from and name their encoding when they are read.",
    ),
    _rule(
        "nothing-there",
        r"'NoneType' object|NullPointer|Cannot read propert\w+ .{0,10}of (?:undefined|null)|nil pointer"
        r"|undefined method .{1,60} for nil|NullReference|is not a function"
        r"|called `Option::unwrap\(\)` on a `None`",
        "Find which call gave nothing back, and decide there what should happen then.",
    ),
    _rule(
        "missing-key",
        r"KeyError: '?(?P<key>[\w.-]+)'?|key not found: \"?:?(?P<name>[\w.-]+)|NoSuchElement",
        "Find who fills {key}, and whether older data lacks it: `dspy-agent grep {key}`",
        "Find who fills {name}, and whether older data lacks it: `dspy-agent grep {name}`",
    ),
    _rule(
        "missing-attribute",
        r"AttributeError: .{0,120}? has no attribute '(?P<name>\w+)'|NoSuchMethod(?:Error|Exception)"
        r"|undefined (?:local variable or )?method",
        "See where {name} is defined now, and whether a dependency changed: `dspy-agent grep {name}`",
        "Compare the versions of the libraries that run with those it was built for.",
    ),
    _rule(
        "unknown-name",
        r"(?:NameError|UnboundLocalError|ReferenceError).{0,80}?'?(?P<name>\b[A-Za-z_]\w*)'? is not defined"
        r"|UnboundLocalError",
        "See where {name} should come from: `dspy-agent grep {name}`",
        "Look for a branch in which the variable is not set.",
    ),
    _rule(
        "out-of-range",
        r"IndexError|IndexOutOfBounds|index out of (?:range|bounds)|RangeError|slice bounds",
        "Look at the input that was empty or shorter than the code expects.",
    ),
    _rule(
        "bad-number",
        r"invalid literal for (?:int|float)|could not convert string|NumberFormat|strconv\.|ZeroDivision"
        r"|division by zero|divide by zero",
        "Find the input that has this value, and check it where it comes in.",
    ),
    _rule(
        "endless-recursion",
        r"RecursionError|maximum recursion|StackOverflow|stack overflow|Maximum call stack|SystemStackError",
        "Look for the call that repeats in the trace, and for data that refers to itself.",
    ),
    _rule(
        "concurrent-change",
        r"ConcurrentModification|changed size during iteration|concurrent map|data race|BrokenBarrier",
        "Find the second thread that changes this, and give the data one owner or a lock.",
    ),
    _rule(
        "crash",
        r"SIGSEGV|segmentation fault|SIGABRT|core dumped|fatal error: |panicked at|goroutine \d+ \[running\]",
        "Keep the core and the exact build: run the same input again with debug symbols.",
    ),
    _rule(
        "pod-trouble",
        r"CrashLoopBackOff|Back-off restarting|ImagePullBackOff|ErrImagePull|FailedScheduling"
        r"|(?:Liveness|Readiness) probe failed",
        "See the pod's events and its last end: `kubectl describe pod`, `kubectl logs --previous`.",
    ),
    _rule(
        "kafka",
        r"UNKNOWN_TOPIC|UnknownTopicOrPartition|Broker transport failure|NotLeader|brokers? (?:are )?down"
        r"|COORDINATOR_NOT_AVAILABLE|No Kafka broker",
        "Check broker and topics: `dspy-agent stream topics --check`",
    ),
    _rule(
        "upstream",
        _STATUS + r"50[234]\b|Bad Gateway|Service Unavailable|Gateway Time-?out|upstream connect error",
        "Look at the service behind it first: this is where the error was passed on.",
    ),
    _rule(
        "failed-check",
        r"AssertionError|assertion (?:failed|`)|AssertionFailed",
        "Read the condition that failed and what was there instead; repeat it in a test.",
    ),
    _rule(
        "bad-syntax",
        r"SyntaxError|IndentationError|TabError|ParseError",
        "See what changed last: `git log -3 --stat`, and run the linter on that file.",
    ),
)
