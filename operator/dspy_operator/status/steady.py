"""The cluster's words without what changes while nothing changes: counts, durations, ids, ports.

A condition's message is written whenever it differs, so one that counts retries would be written for ever.
"""

from __future__ import annotations

import re
from typing import Final

_VOLATILE: Final = (
    (re.compile(r"\bback-off \S+ restarting"), "back-off restarting"),
    (re.compile(r"\b(after|in|for) \d+(?:\.\d+)? ?(?:ms|s|milliseconds|seconds)\b"), ""),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}:\d+->|\[[0-9a-f:]+\]:\d+->"), ""),  # our end of a connection
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "…"),  # ids of containers and sandboxes
    (re.compile(r"/\.clone-\w{8}\b"), "/source"),  # where the source is cloned before it takes its place
    (re.compile(r", used: .*?(?=, limited: )"), ""),  # of a quota, which others use as well
    (re.compile(r'^.*?\b(?=pods "[^"]+" is forbidden)'), ""),
    (re.compile(r'\b(pods) "[^"]+"(?= is forbidden)'), r"\1"),
)
_NODES: Final = re.compile(r"^\d+/\d+ nodes are available: (.*)$", re.DOTALL)
_PREEMPTION: Final = re.compile(r"[.,]? *preemption: .*$", re.DOTALL)
_NO_CAUSES: Final = {"no new claims to deallocate"}
_COUNT: Final = re.compile(r"^\d+ ")
# What registries and the kubelet say, the more telling first.
_CAUSES: Final = (
    (r"no space left", "the node's disk is full"),
    (r"toomanyrequests|429|rate limit", "the registry limits how often it may be asked"),
    (
        r"no such host|timeout|timed out|refused|unreachable|reset by|eof|tls|x509|dial |server gave http",
        "the registry can't be reached",
    ),
    (r"insufficient_scope|pull access denied", "there is no such image, or it needs a pull secret"),
    (r"unauthorized|denied|forbidden|authoriz|authentication|credential", "the registry wants a pull secret"),
    (r"not found|manifest unknown|no such|does not exist", "the registry has no such image or tag"),
    (r"no match for platform", "it is not made for this kind of node"),
)
_OF_STATE: Final = {
    "ErrImageNeverPull": "it is not on the node, and the pull policy is Never",
    "InvalidImageName": "that is no valid name of an image",
    "RegistryUnavailable": "the registry can't be reached",
    "SignatureValidationFailed": "its signature is not valid",
}


def steady(text: str) -> str:
    """Return ``text`` without parts that differ from one try to the next."""
    for pattern, stand_in in _VOLATILE:
        text = pattern.sub(stand_in, text)
    return " ".join(text.split())


def unschedulable(text: str) -> str:
    """Return the scheduler's causes, each once and in a fixed order, without its counts of nodes."""
    found = _NODES.match(text.strip())
    if not found:
        return steady(text)
    causes = re.split(r"[.,] ", _PREEMPTION.sub("", found[1]).rstrip(". "))
    told = {_COUNT.sub("", cause) for cause in causes if cause} - _NO_CAUSES
    return ", ".join(sorted(told)) + "."


def pull_cause(state: str, text: str) -> str:
    """Return why an image can't be pulled, as ``: cause``; empty where neither state nor text tells."""
    if state in _OF_STATE:
        return f": {_OF_STATE[state]}"
    lower = text.lower()
    return next((f": {cause}" for words, cause in _CAUSES if re.search(words, lower)), "")
