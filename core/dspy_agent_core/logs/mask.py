"""Masks what varies between like messages, so that they group.

Works word by word: most words of a log come again and again, so each is masked once and looked up after that.
"""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "<*>"
MAX_CHARS: Final = 2000
MAX_WORDS: Final = 100
_CACHE_WORDS: Final = 20_000

_QUOTED = re.compile(
    r"""(?<!\w)(?<!<\*>)(?:"[^"]{0,400}"|'[^']{0,400}'|`[^`]{0,400}`)(?!\w|<\*>)"""
    r"""|“[^”]{0,400}”|‘[^’]{0,400}’|«[^»]{0,400}»"""
)
_SEPARATED = r"[^\s,;()\[\]{}<>|\"'`]"
_TOP_LEVEL = "com|net|org|edu|gov|mil|info|local|localdomain|internal|lan|cluster|svc|[a-z]{2}"
_PACKAGES = "com|org|net|java|javax|io|edu|sun|scala|kotlin|jdk|android"
_URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]{{1,20}}://{_SEPARATED}*")
# What is replaced as a whole. Each pattern takes linear time.
_WHOLE: Final = re.compile(
    rf"""
      (?<![\w.+-])[\w.+-]{{1,64}}@\w[\w.-]*                                          # e-mail, user at host
    | (?<![\w:.])(?:[0-9A-Fa-f]{{2}}[:-]){{5,19}}[0-9A-Fa-f]{{2}}(?![\w:])           # MAC, GUID, fingerprint
    | (?<![\w:.])(?=[:A-Fa-f]{{0,12}}\d)(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}[0-9A-Fa-f]{{0,4}}
        (?:%\w+|(?:\.\d{{1,3}}){{3}})?(?![\w:])                                      # IPv6, time of day
    | (?<![\w/.<>*\\])(?:[A-Za-z]:[\\/]|~?/|\.{{1,2}}/|\\\\)[^\s,;:()\[\]{{}}<>|"'`=]+  # path
    | (?<![\w/.<>*])[\w.-]+(?:/[\w.-]+){{2,}}/?                                      # relative path
    | (?<![\w.-])(?!(?:{_PACKAGES})\.)\w(?:[\w-]{{0,62}}\.){{1,8}}(?:{_TOP_LEVEL})(?![\w.-]*\w)  # host
    """,
    re.VERBOSE,
)
# A request keeps its method: `"GET /x HTTP/1.1"`.
_REQUEST: Final = ("GET ", "POST ", "PUT ", "DELETE ", "HEAD ", "PATCH ", "OPTIONS ")
_VALUE = re.compile(
    r"""([A-Za-z_][\w.-]*)=(?![=>])
    (?:["'`]<\*>["'`]|(?:<\*>|\([^()\s]*\)|\[[^\[\]\s]*\]|\{[^{}\s]*\}|[^\s,;&()\[\]{}<>"'`])*)""",
    re.VERBOSE,
)
_COMPOUND = re.compile(r"[/:@.\\]")
_BOOLEAN = re.compile(r"(?<![\w.-])(?:true|false|True|False)(?![\w-])")
_PART = re.compile(r"(?:(?<![\w.)\]>*])[-+~<>≈]{1,2}(?=\d))?[A-Za-z0-9_][\w.-]*%?")
_RUN = re.compile(r"(?:<\*>|\[<\*>\])(?:[:.,/+x_*-]{1,2}<\*>)+")
_NUMBERED = re.compile(r"([A-Za-z]{2,}[._-]?|[A-Za-z][A-Za-z_.-]*[_-])(\d[\w.-]*)\Z")
_DIGITS = re.compile(r"\d+(?:[._-]\d+)*\Z")
_HEX = frozenset("0123456789abcdefABCDEF")
_PUNCTUATION: Final = "),.;:]"
# Behind a value, these are the same value once more or a part of it.
_AGAIN: Final = frozenset((MASK, "(<*>)", "[<*>]", "()", "[]"))
_UNIT_NAMES = """
ns us µs ms s nsec usec msec sec secs second seconds min mins minute minutes h hr hrs hour hours
b B byte bytes k K M G kb kB KB MB GB TB KiB MiB GiB TiB
"""
_UNITS: Final = frozenset(_UNIT_NAMES.split())
_NUMERIC: Final = "0123456789.:,-"
_BOOLEANS: Final = frozenset(("true", "false", "True", "False"))
_cache: dict[str, str] = {}


def mask(message: str) -> str:
    """Return the start of ``message`` with ``<*>`` for what varies.

    That is numbers with their units, times, hexadecimal and other identifiers, UUIDs, addresses (IP, MAC,
    e-mail, host), URLs, paths, quoted texts and the values of ``key=value``.
    """
    return " ".join(mask_words(message))


def mask_words(message: str) -> list[str]:
    """Return the masked words of ``message``: at most ``MAX_WORDS`` of its first ``MAX_CHARS`` characters."""
    if len(message) > MAX_CHARS:
        message = message[:MAX_CHARS]
    if '"' in message or "'" in message or "`" in message or not message.isascii():
        message = _QUOTED.sub(_mask_quoted, message)
    known = _cache
    words: list[str] = []
    after_value = False
    for word in message.split(None, MAX_WORDS)[:MAX_WORDS]:
        if word.isalpha():
            if after_value and word in _UNITS:
                continue
            if word not in _BOOLEANS:
                after_value = False
                words.append(word)
                continue
        masked = known.get(word)
        if masked is None:
            masked = _mask_word(word)
        if after_value:
            if masked in _AGAIN:
                continue
            if masked.strip(_PUNCTUATION) in _UNITS:
                _end_value(words, masked)
                after_value = words[-1].endswith(MASK)
                continue
        words.append(masked)
        after_value = masked.endswith(MASK)
    return words


def _end_value(words: list[str], unit: str) -> None:
    """Take in what stands behind a unit, such as the bracket of ``(5 ms)``."""
    words[-1] += unit[len(unit.rstrip(_PUNCTUATION)) :]
    if words[-1] in _AGAIN and len(words) > 1 and words[-2].endswith(MASK):
        words.pop()


def _mask_quoted(match: re.Match[str]) -> str:
    text = match[0]
    return text if text.startswith(_REQUEST, 1) else f"{text[0]}{MASK}{text[-1]}"


def _mask_word(word: str) -> str:
    if word.isdigit() or word in _BOOLEANS:
        return MASK
    if word[0].isdigit() and not word.strip(_NUMERIC):  # a number, a time, an address
        bare = word.rstrip(".:,-")
        return MASK + word[len(bare) :]
    masked = _URL.sub(MASK, word) if "://" in word else word
    if "=" in masked:
        masked = _VALUE.sub(rf"\1={MASK}", masked)
    if _COMPOUND.search(masked.rstrip(".:")):
        masked = _WHOLE.sub(MASK, masked)
    masked = _PART.sub(_mask_part, masked)
    if "rue" in masked or "alse" in masked:
        masked = _BOOLEAN.sub(MASK, masked)
    if masked.count(MASK) > 1:
        masked = _RUN.sub(MASK, masked)
    if len(_cache) >= _CACHE_WORDS:
        _cache.clear()
    _cache[word] = masked
    return masked


def _mask_part(match: re.Match[str]) -> str:
    text = match[0]
    if not any(map(str.isdigit, text)):
        return text
    bare = text.rstrip(".-_")
    end = text[len(bare) :]
    if len(bare) >= 6 and _HEX.issuperset(bare.replace("-", "")):
        return MASK + end
    numbered = _NUMBERED.match(bare)
    if numbered and (numbered[1][-1] in "_-" or _DIGITS.match(numbered[2])):
        prefix = numbered[1]
        return (prefix[:-1] if prefix.endswith(("_-", "--")) else prefix) + MASK + end
    return MASK + end
