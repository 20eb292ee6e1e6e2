"""Puts what a model wrote in the place of a symbol: all other bytes of the file stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

from dspy_agent.edits.answer import Rejected, Written, code_blocks, require_whole
from dspy_agent.edits.layout import at_margin, indent_unit, indented, string_lines
from dspy_agent.edits.other_answer import written_other
from dspy_agent.edits.python_answer import parse, written_python
from dspy_agent.edits.python_file import bound_names, imports_end
from dspy_agent.edits.source import Source, structure_of
from dspy_agent_core.code.structure import Symbol
from dspy_agent_core.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a symbol in its file: its ``lines`` at the margin, and the ``margin`` they stand at."""

    source: Source
    symbol: Symbol
    lines: tuple[str, ...]
    margin: str

    @property
    def text(self) -> str:
        """The symbol's source as it is shown to a model."""
        return "\n".join(self.lines)

    @property
    def unit(self) -> str:
        """What its file is indented by."""
        return indent_unit(self.lines) or indent_unit(self.source.lines)


def slot_of(source: Source, symbol: Symbol) -> Slot:
    """Return the place of ``symbol`` in ``source``.

    Raises:
        WorkspaceError: it shares a line with something else.
    """
    lines = [line.rstrip("\r\n") for line in source.lines]
    span = lines[symbol.line - 1 : symbol.end_line]
    fixed = string_lines(source.text) if source.language == "python" else frozenset()
    here = frozenset(number - symbol.line + 1 for number in fixed if number >= symbol.line)
    moved, margin = at_margin(span, here)
    if not span or any(_shares_a_line(symbol, other) for other in source.structure.symbols):
        raise WorkspaceError(
            f"{symbol.qualified} shares a line of {source.path} with something else.",
            code="NotEditable",
            next="Put it on lines of its own, or name what is around it with --symbol.",
        )
    return Slot(source, symbol, tuple(moved), margin)


def _shares_a_line(symbol: Symbol, other: Symbol) -> bool:
    if other is symbol or other.line > symbol.end_line or other.end_line < symbol.line:
        return False
    around, within = _is_around(other, symbol), _is_around(symbol, other)
    related = f"{other.qualified}.".startswith(f"{symbol.qualified}.") or symbol.qualified.startswith(
        f"{other.qualified}."
    )
    return not (around or within) or (around and within and not related)


def _is_around(other: Symbol, symbol: Symbol) -> bool:
    return other.line <= symbol.line and other.end_line >= symbol.end_line


def rewritten(slot: Slot, answer: str) -> bytes:
    """Return the file with the symbol as ``answer`` writes it.

    Raises:
        Rejected: the answer can't be used.
    """
    blocks = code_blocks(answer)
    if not blocks:
        raise Rejected("it holds no code")
    reasons: list[Rejected] = []
    for block in blocks:
        try:
            return spliced(slot, _written(slot, block))
        except Rejected as error:
            reasons.append(error)
    raise max(reasons, key=_telling)


def _telling(reason: Rejected) -> bool:
    """A block that defines the symbol, but badly, says more than one that does not."""
    return not str(reason).startswith("it defines")


def _written(slot: Slot, block: str) -> Written:
    source, symbol = slot.source, slot.symbol
    require_whole(block, slot.text)
    if source.language == "python":
        return written_python(block, symbol.qualified, slot.lines, bound_names(source.text), slot.unit)
    imported = frozenset(found.module for found in source.structure.imports)
    return written_other(block, symbol, slot.lines, source.language, imported, slot.unit)


def spliced(slot: Slot, written: Written) -> bytes:
    """Return the bytes of the file with ``written`` in the symbol's place.

    Raises:
        Rejected: then the file could not be parsed any more, or would lack the symbol.
    """
    source, symbol = slot.source, slot.symbol
    lines, end = source.lines, source.newline
    fixed = string_lines("\n".join(written.lines)) if source.language == "python" else frozenset()
    new = [line + end for line in indented(written.lines, slot.margin, fixed)]
    if symbol.end_line >= len(lines) and not lines[-1].endswith("\n"):
        new[-1] = new[-1].removesuffix(end)
    changed = [*lines[: symbol.line - 1], *new, *lines[symbol.end_line :]]
    at = _top_of(source, symbol)
    for helper in reversed(written.helpers):
        changed[at:at] = [*(line + end for line in helper), end, end]
    if written.imports:
        at = _imports_end(source)
        changed[at:at] = [line + end for line in written.imports]
    text = "".join(changed)
    _require_sound(source, symbol, text)
    try:
        return source.to_bytes(text)
    except UnicodeEncodeError:
        raise Rejected(f"it holds characters that {source.encoding} lacks") from None


def _top_of(source: Source, symbol: Symbol) -> int:
    """Return the line (from 0) where what encloses the symbol begins."""
    outer = symbol.qualified.partition(".")[0]
    around = [found for found in source.structure.symbols if found.qualified == outer]
    return min([found.line for found in around if _is_around(found, symbol)] or [symbol.line]) - 1


def _imports_end(source: Source) -> int:
    """Return the line (from 0) after the imports at the head of the file."""
    if source.language == "python":
        return imports_end(source.text)
    return max((found.line for found in source.structure.imports), default=0)


def _require_sound(source: Source, symbol: Symbol, text: str) -> None:
    """Raise Rejected if the file was sound and is not any more, or lacks the symbol."""
    if source.language == "python":
        try:
            parse(text.replace("\r\n", "\n"))
        except SyntaxError as error:
            raise Rejected(f"with it the file can't be parsed ({error.msg}, line {error.lineno})") from None
    found = structure_of(text, source.language)
    if found.broken and not source.structure.broken:
        raise Rejected("with it the file can't be parsed")
    if all(other.qualified != symbol.qualified for other in found.symbols):
        raise Rejected(f"with it the file lacks {symbol.qualified}")
