"""Text of others (logs, files, tool output) in a prompt: marked as data, bounded, without secrets.

What stands between the marks is never an instruction. The marks can't be imitated from within, since each use
has its own random tag; and no tool that changes anything runs on a model's word alone, marks or not.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Final

_NAME: Final = r"[\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key|authorization|cookie)"
_SET: Final = (
    r"(?:[^\w\n]{0,3}[=:][^\w\n]{0,3}|[ \t]?[\"'])"  # prose may name a cookie: only a value is secret
)
_KNOWN: Final = (
    r"AKIA[A-Z0-9]{16}|gh[pousr]_\w{20,}|sk-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
_SECRETS: Final = (
    re.compile(rf"(?i)\b({_NAME}{_SET})(?:(?:bearer|basic)\s+)?[^\s,;&\"']{{3,}}"),
    re.compile(rf"(?i)(--{_NAME}[ \t]+)[^\s]{{3,}}"),
    re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(\w://[^\s:/@]{0,100}:)[^\s@/]{1,200}(?=@)"),
    re.compile(rf"()\b(?:{_KNOWN})"),
    re.compile(r"()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
)

# Marks that a model's template gives a meaning: within a log or a file, they would end the message there.
_TEMPLATE: Final = re.compile(
    r"[<\[](?=\|[\w-]{1,40}\|>|\uff5c[^\uff5c\s>]{1,40}\uff5c>|(?:start|end)_of_turn>|/?(?:INST|SYS)\])"
)


def as_data(text: str, limit: int, tag: str = "data") -> str:
    """Return ``text`` between marks named ``tag``, at most ``limit`` characters of it, without secrets."""
    mark = f"{tag}-{secrets.token_hex(3)}"
    kept = without_secrets(text[: 4 * limit])
    cut = "" if len(kept) <= limit and len(text) <= 4 * limit else "\n[cut]"
    return f"<{mark}>\n{kept[:limit]}{cut}\n</{mark}>"


def sendable(text: str) -> str:
    """Return ``text`` as it may stand in a message: whole signs, and no marks of a chat template.

    A space makes a mark one no more.
    """
    return _TEMPLATE.sub(lambda match: f"{match[0]} ", whole(text))


def whole(text: str) -> str:
    """Return ``text`` without halves of signs, as names of files that are not UTF-8 have them."""
    return text.encode("utf-8", "replace").decode()


def without_secrets(text: str) -> str:
    """Return ``text`` with what looks like a secret replaced by ``[secret]``."""
    replace: Callable[[re.Match[str]], str] = lambda match: f"{match[1]}[secret]"  # noqa: E731
    for pattern in _SECRETS:
        text = pattern.sub(replace, text)
    return text
