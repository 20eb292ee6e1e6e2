"""Whether what stands behind a name such as ``token`` is a secret: code, types and prose are none.

Where it can't be told, it is one. A lexer has a ``token`` too, so such a weak name makes a secret only of
what looks made: with digits in it, or long. Behind ``password`` any word may be one.
"""

from __future__ import annotations

import re
from typing import Final

_STRONG: Final = re.compile(
    r"(?i)passw(?:or)?d|passphrase|secret|key|credential"
    r"|(?:access|auth|api|bearer|refresh|session|csrf|bot|jwt|oauth|deploy|github|gitlab|slack|npm|user)"
    r"[_-]?token$"
)
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*_TOKEN")
_COUNT: Final = re.compile(r"(?i)^(?:max|min|num|n|total|count|per)[_-]")
_NAME_IN_IT: Final = re.compile(
    r"(?i:(?:^|[_.-])(?:password|passwd|pass|secret|token|key|cookie|credentials?|authorization)s?(?:$|[_.-]))"
    r"|(?:^|[a-z_])(?:Password|Passwd|Pass|Secret|Token|Key|Cookie|Credentials?|Authorization)s?(?:$|[A-Z_.])"
    r"|^(?:password|secret|token|key|cookie)s?(?=[A-Z]|$)",
)
_PLACEHOLDER: Final = re.compile(
    r"\[secret\].*|\[(?:redacted|hidden|cut|masked)\]|[*•.…_xX-]{3,}|<[^<>]{0,60}>|\$?\{.{0,80}\}|\$\(.*|%\(?\w{0,40}\)?[sdr]?"
    r"|\$[A-Z_][A-Z0-9_]*|your[_-].*|SECRET_\d+_HIDDEN"
)
_WORDS_TEXT: Final = """
    none null nil undefined true false yes no on off
    str string bytes bytearray int integer float number bool boolean any object optional text varchar char
    byte usize unknown void auto self this cls dict list tuple set
    raise return pass break continue yield if elif else for while with assert del import from await new not
    lambda try except finally throw const let var and or in is as super print
    is was are were be the a an of to too has have had must should may can cannot could will would this that
    required missing invalid empty expected unexpected wrong incorrect expired mismatch changed given found
    field value option argument parameter name type error failed failure denied accepted rejected use used
    using please enter default header
"""
_WORDS: Final = frozenset(_WORDS_TEXT.split())
_PATH: Final = re.compile(r"[*&!~]{0,2}(?P<path>[A-Za-z_$][\w$]*(?:(?:\??\.|::|->)[A-Za-z_$][\w$]*)*)")
_WORDY: Final = re.compile(r"[A-Za-z_$]+\d{0,2}")
_OWNERS_TEXT: Final = """
    self this cls os sys settings config request req args options opts env process ctx context app params
    kwargs form data parser lexer auth session client user state
"""
_OWNERS: Final = frozenset(_OWNERS_TEXT.split())
_CALLED: Final = re.compile(r"[A-Za-z_$]\w{0,40}")
_OPERATOR: Final = re.compile(r" (?:\+|=|%|==|!=|\|\||\?\?|&&|<|>=|<=|\?) |(?:, [A-Za-z_][\w.]*)+\s*$")
_CLOSES: Final = {"(": ")", "[": "]", "{": "}", "<": ">"}
_FILE: Final = re.compile(r"(?:~|\.{1,2})?(?:/[a-z._-]+){2,}/?")
_LONG: Final = 20
_FEW: Final = 6


def is_secret(name: str, value: str) -> bool:
    """Return whether a literal ``value`` behind ``name`` is a secret."""
    if len(value) < 3 or _PLACEHOLDER.fullmatch(value) or _FILE.fullmatch(value):
        return False
    if not _is_strong(name):
        return _looks_made(name, value)
    if not _STRONG.search(name) and re.fullmatch(r"[a-z]+(?:_[a-z]+)+", value):
        return False  # the name of a kind of tokens
    words = [word.strip(".,:;!?'\"()").lower() for word in value.split()]
    return _WORDS.isdisjoint(words) and not _NAME_IN_IT.fullmatch(value) and not _names_again(name, value)


def is_code(name: str, value: str, line: str, *, spaced: bool) -> bool:
    """Return whether ``value``, which stands without quotes behind ``name``, is no secret but code or prose.

    Args:
        name: what it is said to be.
        value: the first word of ``line``.
        line: what stands behind the sign, to the end of the line.
        spaced: there are spaces around the sign, as code has them and few logs and settings do.
    """
    word = value.rstrip(".:!?)]}>;")
    if _PLACEHOLDER.fullmatch(value) or _PLACEHOLDER.fullmatch(word) or not word:
        return True
    if value.startswith(("(", "[", "{")):
        return _closed_at(line, 0) > 0
    if _FILE.fullmatch(word) or word.lower().lstrip("&*") in _WORDS or _names_again(name, word):
        return True
    found = _PATH.match(line)
    if found is not None and _is_expression(name, line, found, spaced=spaced):
        return True
    if _NAME_IN_IT.search(word) and not any(map(str.isdigit, word)):
        return True
    if _is_strong(name):
        return bool(re.fullmatch(r"[A-Z]+(?:_[A-Z]+)+", word))
    return not _looks_made(name, word) or (spaced and _WORDY.fullmatch(word) is not None)


def _is_expression(name: str, line: str, found: re.Match[str], *, spaced: bool) -> bool:
    """Return whether ``line`` begins with a call, an attribute, an index or an operation."""
    parts = re.split(r"\??\.|::|->", found["path"])
    end = found.end()
    if line[end : end + 1] in _CLOSES and line[end : end + 1]:
        closed = _closed_at(line, end)
        return closed > 0 and not re.match(r"\w", line[closed:]) and all(map(_CALLED.fullmatch, parts))
    if not all(map(_WORDY.fullmatch, parts)):
        return False
    if re.match(r"\w|[^\w\s]\w", line[end:]) and not re.match(r",\w", line[end:]):
        return False  # only the beginning of a word
    if len(parts) > 1:
        return spaced or not _is_strong(name) or parts[0] in _OWNERS or bool(_NAME_IN_IT.search(parts[-1]))
    return spaced and _OPERATOR.match(line, end) is not None


def _closed_at(line: str, at: int) -> int:
    """Return where the bracket at ``at`` is closed; the line's end, if it goes on below; 0: it is none."""
    open_ones: list[str] = []
    for number, sign in enumerate(line[at:], at):
        if sign in _CLOSES:
            open_ones.append(_CLOSES[sign])
        elif sign in _CLOSES.values():
            if sign != open_ones[-1]:
                return 0 if sign != ">" else len(line)
            open_ones.pop()
            if not open_ones:
                return number + 1
    return len(line) if line.rstrip()[-1:] in ("(", "[", "{", ",") else 0


def _is_strong(name: str) -> bool:
    return _STRONG.search(name) is not None or _VARIABLE.search(name) is not None


def _names_again(name: str, value: str) -> bool:
    return value.strip("-_ ").lower() == name.strip("-_ ").lower()


def _looks_made(name: str, value: str) -> bool:
    if any(map(str.isspace, value)) or re.fullmatch(r"-?\d*\.\d+(?:e-?\d+)?", value):
        return False
    if value.isdigit() and _COUNT.match(name):
        return False
    if any(map(str.isdigit, value)):
        return len(value) >= _FEW
    return len(value) >= _LONG and not re.search(r"[_.-]", value)
