"""What an import statement takes in, read from its text."""

from __future__ import annotations

import re

from dspy_agent_core.code.structure import Import, one_line

_MAX_TEXT = 5000
_USING = re.compile(r"^(?:global\s+)?using\s+(?:static\s+|unsafe\s+)*(?:[^=;]+=)?\s*", re.DOTALL)
_PHP_USE = re.compile(r"^use\s+(?:function\s+|const\s+)?", re.IGNORECASE)
_PHP_ALIAS = re.compile(r"\s+as\s+\w+$", re.IGNORECASE)
_KOTLIN_ALIAS = re.compile(r"\s+as\s+\w+$")
_BRACES = re.compile(r"\{([^{}]*)\}")
_DEFAULT = re.compile(r"^import\s+(?:type\s+)?([\w$]+)\s*(?:,|from\b)")
_PATH_IN_QUOTES = re.compile(r"""["']([^"']+)["']""")


def imports_of(language: str, text: str, module: str, line: int) -> list[Import]:
    """Return the imports of the statement ``text``, whose ``module`` part the grammar found if any."""
    text = text[:_MAX_TEXT].strip().rstrip(";")
    match language:
        case "javascript" | "typescript" | "tsx":
            return [Import(_clean(module), line, _names(text))]
        case "java":
            return [Import(_clean(re.sub(r"^import\s+(?:static\s+)?", "", text)), line)]
        case "csharp":
            return [Import(_clean(_USING.sub("", text)), line)]
        case "kotlin":
            return [Import(_clean(_KOTLIN_ALIAS.sub("", re.sub(r"^import\s+", "", text))), line)]
        case "php" if not module:
            return _php(_PHP_USE.sub("", text), line)
        case "php" | "shell":
            return _quoted(module, line)
    return [Import(_clean(module), line)]


def _names(text: str) -> tuple[str, ...]:
    if not text.startswith(("import", "export")):
        return ()
    default = _DEFAULT.match(text)
    names = [default.group(1)] if default else []
    braces = _BRACES.search(text)
    for item in braces.group(1).split(",") if braces else ():
        words = item.split()
        words = words[1:] if words[:1] == ["type"] and len(words) > 1 else words
        names += words[:1]
    return tuple(names)


def _php(text: str, line: int) -> list[Import]:
    prefix, brace, group = text.partition("{")
    items = group.rstrip("} \n").split(",") if brace else text.split(",")
    modules = [_PHP_ALIAS.sub("", item.strip()) for item in items if item.strip()]
    head = "".join(prefix.split()) if brace else ""
    return [Import(_clean(head + module).lstrip("\\"), line) for module in modules]


def _quoted(text: str, line: int) -> list[Import]:
    """A path, or what of it stands in quotes: ``__DIR__ . '/a.php'``, ``"$dir/lib.sh"``."""
    found = _PATH_IN_QUOTES.findall(text[:_MAX_TEXT])
    path = found[-1] if found else text if re.fullmatch(r"[\w./$~{}-]+", text) else ""
    if "$" in path:  # a folder known only when it runs
        path = path.rpartition("}" if "}" in path else "$")[2].partition("/")[2]
    path = path.lstrip("/") if "__DIR__" in text else path
    return [Import(one_line(path), line)] if path else []


def _clean(text: str) -> str:
    return one_line(text.strip().strip("\"'`<>"))
