"""The structure of Python source, from the standard library's own parser."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from dspy_agent_core.code.structure import FileStructure, Import, Symbol, one_line

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPOUND = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith),
    *(ast.Try, ast.TryStar, ast.Match),
)
_ATOMS = (ast.Name, ast.Attribute, ast.Constant, ast.Subscript)


def parse_python(text: str) -> FileStructure | None:
    """Return the structure of ``text``, or None if it is no Python that this version can parse."""
    if "\r" in text:  # alone, it would end a line for Python only
        text = text.replace("\r\n", "\n").replace("\r", " ")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text)
        return _Reader(text).read(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[str] = []
        self._found = FileStructure("python")

    def read(self, tree: ast.Module) -> FileStructure:
        self._visit(tree.body, "", False)
        found = self._found
        return FileStructure("python", found.symbols, found.imports, _docstring(tree)[0])

    def _visit(self, body: list[ast.stmt], prefix: str, in_class: bool) -> None:
        for child in body:
            if isinstance(child, _DEFINITIONS):
                self._found.symbols.append(symbol := _symbol(child, prefix, in_class))
                self._visit(child.body, f"{symbol.qualified}.", isinstance(child, ast.ClassDef))
            elif isinstance(child, ast.Import):
                self._found.imports.extend(Import(alias.name, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                module = "." * child.level + (child.module or "")
                names = tuple(alias.name for alias in child.names)
                self._found.imports.append(Import(module, child.lineno, names))
            elif isinstance(child, (ast.Assign, ast.AnnAssign)):
                if not prefix and (name := _constant(child)):
                    self._found.symbols.append(self._assigned(child, name))
            elif isinstance(child, _COMPOUND):
                for inner in _bodies(child):
                    self._visit(inner, prefix, in_class)

    def _assigned(self, node: ast.stmt, name: str) -> Symbol:
        self._lines = self._lines or self._text.split("\n")
        line = self._lines[node.lineno - 1][:1000]
        end = node.end_lineno or node.lineno
        return Symbol(name, name, "constant", node.lineno, end, one_line(line))


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement, in the order of the source."""
    if body := getattr(node, "body", None):
        yield body
    for part in getattr(node, "handlers", ()) or getattr(node, "cases", ()):
        yield part.body
    for name in ("orelse", "finalbody"):
        if body := getattr(node, name, None):
            yield body


def _constant(node: ast.Assign | ast.AnnAssign) -> str | None:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name = target.id if isinstance(target, ast.Name) else ""
    return name if len(name) > 1 and name.isupper() else None


def _symbol(node: _Definition, prefix: str, in_class: bool) -> Symbol:
    is_class = isinstance(node, ast.ClassDef)
    docstring, lines = _docstring(node)
    return Symbol(
        name=node.name,
        qualified=prefix + node.name,
        kind="class" if is_class else "method" if in_class else "function",
        line=min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]),
        end_line=node.end_lineno or node.lineno,
        signature=one_line(_signature(node)),
        docstring=docstring,
        bases=_bases(node) if isinstance(node, ast.ClassDef) else (),
        docstring_lines=lines,
    )


def _docstring(node: _Definition | ast.Module) -> tuple[str | None, tuple[int, int] | None]:
    first = node.body[0] if node.body else None
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return None, None
    text = ast.get_docstring(node)
    return text, (first.lineno, first.end_lineno or first.lineno) if text else None


def _bases(node: ast.ClassDef) -> tuple[str, ...]:
    names = []
    for base in node.bases:
        inner: ast.expr = base
        while isinstance(inner, (ast.Subscript, ast.Call)):
            inner = inner.value if isinstance(inner, ast.Subscript) else inner.func
        if isinstance(inner, (ast.Name, ast.Attribute)) and "(" not in (name := _source(inner)):
            names.append(name)
    return tuple(names)


def _signature(node: _Definition) -> str:
    if isinstance(node, ast.ClassDef):
        bases = [_source(base) for base in node.bases] + [
            f"{keyword.arg or '**'}{'=' if keyword.arg else ''}{_source(keyword.value)}"
            for keyword in node.keywords
        ]
        return f"class {node.name}({', '.join(bases)})" if bases else f"class {node.name}"
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {_source(node.returns)}" if node.returns else ""
    return f"{word} {node.name}({', '.join(_arguments(node.args))}){returns}"


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    plain = [*arguments.posonlyargs, *arguments.args]
    required = len(plain) - len(arguments.defaults)
    for index, argument in enumerate(plain):
        yield _argument(argument, arguments.defaults[index - required] if index >= required else None)
        if index + 1 == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg:
        yield "*" + _argument(arguments.vararg, None)
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _argument(argument, default)
    if arguments.kwarg:
        yield "**" + _argument(arguments.kwarg, None)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    text = f"{argument.arg}: {_source(argument.annotation)}" if argument.annotation else argument.arg
    return f"{text}={_source(default)}" if default is not None else text


def _source(node: ast.expr) -> str:
    """Return what ``ast.unparse`` does, sooner for what annotations and defaults mostly are."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute(value=ast.Name() | ast.Attribute()):
            return f"{_source(node.value)}.{node.attr}"
        case ast.Constant(value=None | int() | str(), kind=None):
            return repr(node.value)
        case ast.Subscript(value=ast.Name() | ast.Attribute(), slice=ast.Tuple(elts=[_, _, *_] as parts)):
            if not any(isinstance(part, (ast.Starred, ast.Slice)) for part in parts):
                return f"{_source(node.value)}[{', '.join(map(_source, parts))}]"
        case ast.Subscript(value=ast.Name() | ast.Attribute(), slice=ast.expr() as part):
            if isinstance(part, (ast.Name, ast.Attribute, ast.Constant, ast.Subscript)):
                return f"{_source(node.value)}[{_source(part)}]"
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            is_union = isinstance(left, ast.BinOp) and isinstance(left.op, ast.BitOr)
            if (is_union or isinstance(left, _ATOMS)) and isinstance(right, _ATOMS):
                return f"{_source(left)} | {_source(right)}"
    return ast.unparse(node)
