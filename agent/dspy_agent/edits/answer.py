"""What a model wrote, as text: finds the code in it, whatever stands around it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_FENCE: Final = re.compile(r"^[ \t]{0,3}(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*$", re.MULTILINE)
_LEFT_OUT: Final = (
    r"\.\.\.|…|(?:the\s+)?(?:rest|remainder) of|unchanged\b",
    r"(?:your|existing|other|same|previous|original|remaining)\b.*\b(?:code|logic|unchanged|here|methods?)\b",
    r"(?:code|implementation)\s+(?:goes|continues|remains|here)\b",
)
_PLACEHOLDER: Final = re.compile(
    rf"^\s*(?:#|//|--|/\*)\s*(?:{'|'.join(_LEFT_OUT)})", re.IGNORECASE | re.MULTILINE
)


class Rejected(Exception):
    """An answer can't be used; the message says why, in words that a model can act on."""


@dataclass(frozen=True, slots=True)
class Written:
    """A definition that a model wrote.

    Args:
        lines: the definition, at the left margin, without line ends.
        imports: statements for the head of the file.
        helpers: further definitions that it uses, each as lines.
    """

    lines: tuple[str, ...]
    imports: tuple[str, ...] = ()
    helpers: tuple[tuple[str, ...], ...] = field(default_factory=tuple)


def code_blocks(text: str) -> list[str]:
    """Return the code in an answer, the likeliest first: fenced blocks, the unfinished last one too.

    Without a fence, all of the text is one block. A fence that names a language may stand within code, or
    begin it anew: both readings are returned.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blocks: list[str] = []
    begun: list[str] = []
    opened: tuple[str, int] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence[1], fence.end() + 1
        elif fence[1].startswith(opened[0]) and not fence[2]:
            blocks.append(text[opened[1] : fence.start()])
            opened = None
        if fence[2]:
            end = next((n.start() for n in _FENCE.finditer(text, fence.end()) if not n[2]), len(text))
            begun.append(text[fence.end() + 1 : end])
    if opened is not None:
        blocks.append(text[opened[1] :])
    found = [block for block in dict.fromkeys([*blocks, *begun]) if block.strip()]
    return found or ([text] if text.strip() else [])


def require_whole(code: str, original: str) -> None:
    """Raise Rejected if ``code`` leaves parts to be filled in that ``original`` has."""
    found = _PLACEHOLDER.search(code)
    if found and found[0].strip() not in original:
        raise Rejected(f"it leaves code out ({found[0].strip()!r}): write all of it")
