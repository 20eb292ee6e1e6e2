"""Takes a Python definition out of a model's answer, with what it needs; keeps what the answer forgot."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Iterator, Sequence

from dspy_agent.edits.answer import Rejected, Written
from dspy_agent.edits.layout import at_margin, in_units_of, leading, string_lines

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def written_python(
    block: str, qualified: str, original: Sequence[str], defined: frozenset[str], unit: str
) -> Written:
    """Return what ``block`` writes in the place of the definition ``qualified``.

    Args:
        original: the lines of that definition, at the margin.
        defined: the names that its file defines or imports.
        unit: what its file is indented by.

    Raises:
        Rejected: it or ``original`` can't be parsed, it defines something else, or changes nothing.
    """
    lines, tree = _parsed(block, qualified.rpartition(".")[2])
    node = _definition(tree, qualified)
    try:
        old = parse("\n".join(original)).body[0]
    except (SyntaxError, IndexError):
        raise Rejected("what it would replace can't be parsed by itself") from None
    if isinstance(old, ast.ClassDef) and isinstance(node, ast.ClassDef):
        _require_members(old, node)
    new = _with_old_parts(_lines_of(node, lines, unit), original)
    if _same(new, original):
        raise Rejected("it changes nothing")
    helpers = (tuple(_lines_of(helper, lines, unit)) for helper in _helpers(tree, node, defined))
    return Written(tuple(_restored_comments(new, original)), tuple(_imports(tree, defined)), tuple(helpers))


def new_definitions(
    block: str, named: frozenset[str], defined: frozenset[str], unit: str
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]] | None:
    """Return the definitions of ``block`` that are ``named``, with those they use, and its imports; or None.

    Raises:
        Rejected: it can't be parsed.
    """
    lines, tree = _parsed(block, next(iter(sorted(named)), ""))
    wanted = [node for node in tree.body if isinstance(node, _DEFINITIONS) and node.name in named]
    if not wanted:
        return None
    used = set().union(*map(_used, wanted))
    kept = [
        node
        for node in tree.body
        if node in wanted
        or (isinstance(node, _DEFINITIONS) and node.name in used and node.name not in defined)
    ]
    definitions = tuple(
        tuple(_lines_of(node, lines, unit)) for node in kept if isinstance(node, _DEFINITIONS)
    )
    return definitions, tuple(_imports(tree, defined))


def parse(text: str) -> ast.Module:
    """Return the syntax tree of ``text``, without a word about its style.

    Raises:
        SyntaxError: it can't be parsed; also where the parser gives up.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.encode("utf-8", "replace").decode())
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from None


def _parsed(block: str, name: str) -> tuple[list[str], ast.Module]:
    """Return the lines of ``block`` at the margin and their tree; prose around a definition is cut off."""
    lines = [leading(line).expandtabs(4) + line.lstrip(" \t") for line in block.strip("\n").split("\n")]
    try:
        return _tree(lines)
    except SyntaxError as error:
        first = _starts(lines, name)
        if first is None:
            raise Rejected(f"it can't be parsed ({error.msg}, line {error.lineno})") from None
    try:
        return _tree(lines[first : _ends(lines, first)])
    except SyntaxError as error:
        raise Rejected(f"it can't be parsed ({error.msg}, line {error.lineno})") from None


def _tree(lines: list[str]) -> tuple[list[str], ast.Module]:
    moved, _ = at_margin(lines, string_lines("\n".join(lines)))
    return moved, parse("\n".join(moved))


def _starts(lines: Sequence[str], name: str) -> int | None:
    """Return where the definition of ``name`` starts, with its decorators."""
    for number, line in enumerate(lines):
        words = line.replace("(", " ").replace(":", " ").split()
        if name in words[1:3] and words[0] in ("def", "class", "async"):
            while number and lines[number - 1].lstrip().startswith("@"):
                number -= 1
            return number
    return None


def _ends(lines: Sequence[str], first: int) -> int:
    """Return the number of the line after the definition that starts at ``first``, by indentation."""
    margin = len(leading(lines[first]))
    body = False
    for number in range(first, len(lines)):
        line = lines[number]
        outside = bool(line.strip()) and len(leading(line)) <= margin
        if outside and body and not line.lstrip().startswith((")", "]", "}")):
            return number
        body = body or (bool(line.strip()) and not outside)
    return len(lines)


def _definition(tree: ast.Module, qualified: str) -> Definition:
    """Return the definition that is meant: the one in the right class before any other of that name."""
    outer, _, name = qualified.rpartition(".")
    found = [(where, node) for where, node in _walk(tree.body, "") if node.name == name]
    if not found:
        names = sorted({node.name for _, node in _walk(tree.body, "")})
        said = f"it defines {', '.join(names[:3])}" if names else "it defines nothing"
        raise Rejected(f"{said}, not {name}")
    inner = outer.rpartition(".")[2]
    return min(found, key=lambda pair: (pair[0].rpartition(".")[2] != inner, len(pair[0])))[1]


def _walk(body: Sequence[ast.stmt], where: str) -> Iterator[tuple[str, Definition]]:
    for node in body:
        if isinstance(node, _DEFINITIONS):
            yield where, node
            yield from _walk(node.body, f"{where}.{node.name}".strip("."))
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            yield from _walk(node.body, where)


def _require_members(old: ast.ClassDef, new: ast.ClassDef) -> None:
    left_out = _members(old) - _members(new)
    if left_out:
        raise Rejected(f"it leaves out {', '.join(sorted(left_out)[:3])}: write the whole class")


def _members(node: ast.ClassDef) -> set[str]:
    return {member.name for member in node.body if isinstance(member, _DEFINITIONS)}


def _lines_of(node: Definition, lines: Sequence[str], unit: str) -> list[str]:
    span = lines[first_line(node) - 1 : node.end_lineno]
    fixed = string_lines("\n".join(span))
    return in_units_of(at_margin(span, fixed)[0], unit, fixed)


def first_line(node: Definition) -> int:
    """Return the line where a definition starts, with its decorators."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _with_old_parts(new: list[str], original: Sequence[str]) -> list[str]:
    """Give ``new`` the decorators and the docstring of ``original``, unless the docstring is what changed."""
    old_node, node = _first("\n".join(original)), _first("\n".join(new))
    old_doc, begins = _docstring(old_node), node.body[0].lineno
    if old_doc and begins > node.lineno and _body_dump(old_node) != _body_dump(node):
        old_lines = original[old_doc[0] - 1 : old_doc[1]]
        first, last = _docstring(node) or (begins, begins - 1)
        new = [*new[: first - 1], *_moved(old_lines, leading(new[begins - 1])), *new[last:]]
    if old_node.decorator_list and not node.decorator_list:
        new = [*original[: old_node.lineno - 1], *new]
    return new


def _moved(lines: Sequence[str], indent: str) -> list[str]:
    own = leading(lines[0])
    return [indent + line[len(own) :] if line.startswith(own) else line for line in lines]


def _first(text: str) -> Definition:
    node = parse(text).body[0]
    assert isinstance(node, _DEFINITIONS)  # noqa: S101 - it was taken out as one
    return node


def _docstring(node: Definition) -> tuple[int, int] | None:
    """Return the first and the last line of a docstring that has these lines to itself."""
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None or first.lineno == node.lineno:
        return None
    last = first.end_lineno or first.lineno
    return None if len(node.body) > 1 and node.body[1].lineno == last else (first.lineno, last)


def _body_dump(node: Definition) -> str:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return "\n".join(map(ast.dump, body)) + ast.dump(getattr(node, "args", ast.Pass()))


def _same(new: Sequence[str], original: Sequence[str]) -> bool:
    return ast.dump(parse("\n".join(new))) == ast.dump(parse("\n".join(original)))


def _restored_comments(new: list[str], original: Sequence[str]) -> list[str]:
    """Put comments and blank lines back that the answer dropped without changing the code there."""
    restored: list[str] = []
    matcher = difflib.SequenceMatcher(None, original, new, autojunk=False)
    for tag, first, last, low, high in matcher.get_opcodes():
        if tag in ("delete", "replace") and not _is_remark(new[low:high][:1]):
            remarks = first
            while remarks < last and _is_remark(original[remarks : remarks + 1]):
                remarks += 1
            restored += original[first:remarks]
        restored += new[low:high]
    try:
        return restored if _same(restored, new) else new
    except SyntaxError:
        return new


def _is_remark(lines: Sequence[str]) -> bool:
    return bool(lines) and (not lines[0].strip() or lines[0].lstrip().startswith("#"))


def _imports(tree: ast.Module, defined: frozenset[str]) -> Iterator[str]:
    """Yield the answer's imports of names that the file lacks."""
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or getattr(node, "module", "") == "__future__":
            continue
        node.names = [alias for alias in node.names if _bound(alias) not in defined and alias.name != "*"]
        if node.names:
            yield ast.unparse(node)


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _helpers(tree: ast.Module, node: Definition, defined: frozenset[str]) -> Iterator[Definition]:
    """Yield the answer's further definitions that the file lacks and that are used."""
    others = [
        other
        for other in tree.body
        if isinstance(other, _DEFINITIONS)
        and other.name not in defined
        and all(inner is not node for inner in ast.walk(other))
    ]
    wanted = _used(node)
    for other in reversed(others):
        if other.name in wanted:
            wanted |= _used(other)
    yield from (other for other in others if other.name in wanted)


def _used(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
