"""Text of others (logs, files, tool output) in a prompt: marked as data, bounded, without secrets.

What stands between the marks is never an instruction. The marks can't be imitated from within, since each use
has its own random tag; and no tool that changes anything runs on a model's word alone, marks or not.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from dspy_agent.model.secret_value import is_code, is_secret

_NAME: Final = (
    r"password|passwd|passphrase|secret|token|api[_-]?key|authorization|cookie"
    r"|(?:secret|private|access|encryption|signing)[_-]?key"
)
_TYPE: Final = r":[ \t]?[A-Za-z_][\w.]*(?:\[[^\]\n]{0,60}\])?(?:[ ]\|[ ][\w.\[\]]{1,40}){0,4}[ ](?==[ ])"
_SIGN: Final = (
    rf"(?:[^\w\n=:!\[(]{{0,3}}(?:{_TYPE})?(?P<sign>:=|=>|[=!]==?|[?+]=|(?<!:):(?!:|//)|=)"
    r"(?P<opens>[ \t]{0,8}(?:[rbfu]{0,2}\\?(?:\"{3}|'{3}|[\"'`]))?)"
    r"|[ \t](?P<quoted>[\"'])|(?P<option>[ \t]+))"  # prose may name a cookie: only a value is secret
)
_SCHEME: Final = r"(?P<scheme>(?:bearer|basic|token|digest)[ \t]+)?"
_NAMED: Final = re.compile(rf"(?i)(?!(?<=\[)secret\])(?P<name>{_NAME}){_SIGN}{_SCHEME}")
_KEYWORD: Final = re.compile(
    "pass(?=w|ph)|secret|token|api(?=[_-]?key)|author(?=i)|cookie|(?:private|access|encryption|signing)(?=[_-]?key)"
)
_BEGINNING: Final = re.compile(r"[\w-]*\Z")
_LITERAL: Final = {quote: re.compile(rf"(?:\\.|[^{quote}\\\n]){{0,4096}}(?=\\?{quote})") for quote in "\"'`"}
_BARE: Final = re.compile(r"[^\s,;&\"']{3,4096}")
_PAIRS: Final = re.compile(r"[\w.-]+=[^;\s\"']+(?:;[ ]?[\w.-]+=[^;\s\"']+)*")
_KNOWN: Final = (
    r"AKIA[A-Z0-9]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}"
    r"|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
_SECRETS: Final = (
    re.compile(r"(?i)\b((?:bearer|basic)\s+)(?=\S*(?-i:\d|[a-z][A-Z]|[A-Z]{2}))[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(\w://[^\s:/@]{0,100}:)[^\s@/]{1,200}(?=@)"),
    re.compile(rf"()\b(?:{_KNOWN})"),
    re.compile(r"()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
)

_HIDDEN: Final = "[secret]"
_LINE: Final = 200
_LONGEST_NAME: Final = 60

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
    """Return ``text`` with what looks like a secret replaced by ``[secret]``; code that names one stays."""
    for pattern in _SECRETS:
        text = pattern.sub(lambda match: f"{match[1]}{_HIDDEN}", text)
    lowered = text.replace("\u0130", "I").lower()  # the one sign that would get longer
    pieces: list[str] = []
    done = at = 0
    while keyword := _KEYWORD.search(lowered, at):
        found = _NAMED.match(text, keyword.start())
        at = found.end() if found else keyword.end()
        end = _end_of_secret(found) if found else 0
        if end > at:
            pieces += text[done:at], _HIDDEN
            done = at = end
    return "".join([*pieces, text[done:]])


def _end_of_secret(named: re.Match[str]) -> int:
    """Return where the secret ends that begins where ``named`` does; 0 if there is none."""
    text, at = named.string, named.end()
    before = _BEGINNING.search(text, max(0, named.start() - _LONGEST_NAME), named.start())
    name = f"{before[0] if before else ''}{named['name']}"
    opens = named["opens"] or named["quoted"] or ""
    if named["option"] and not name.startswith("--"):
        return 0
    if name.lower().endswith("cookie") and (pairs := _PAIRS.match(text, at)):
        return pairs.end()
    quote = opens[-1:]
    literal = _LITERAL[quote].match(text, at) if quote in _LITERAL else None
    if literal is not None:
        return literal.end() if is_secret(name, literal[0]) else 0
    bare = _BARE.match(text, at)
    if bare is None or (named["sign"] or "")[:2] in ("==", "!="):
        return 0
    if named["scheme"]:
        header = name.lower().endswith("authorization")
        return bare.end() if is_secret("key" if header else "token", bare[0]) else 0
    line = text[at : at + _LINE].partition("\n")[0]
    spaced = named["sign"] in ("=", ":=") and opens.startswith(" ")
    return 0 if is_code(name, bare[0][:_LINE], line, spaced=spaced) else bare.end()
