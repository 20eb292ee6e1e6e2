"""How files of a repository belong together: which import means which file, and what is a test."""

from __future__ import annotations

import posixpath
import re

from dspy_agent_core.code.structure import Import

_TEST_FOLDERS = frozenset(("test", "tests", "__tests__", "spec", "specs", "testing"))
_TEST_NAME = re.compile(r"^(?:test_.*|.*_test|.*_spec|.*[.-](?:test|spec)|.*Tests?|conftest)$")


def is_test(path: str) -> bool:
    """Say whether ``path`` (relative, with slashes) looks like a test by the habits of its language."""
    folders, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return bool(_TEST_NAME.match(stem)) or any(part in _TEST_FOLDERS for part in folders.split("/"))


def dotted(path: str) -> str:
    """Return the file ``path`` as a dotted module name: ``src/a/b.py`` → ``src.a.b``, packages by folder."""
    stem = posixpath.splitext(path)[0]
    folder, _, name = stem.rpartition("/")
    return (folder if name in ("__init__", "index", "mod") and folder else stem).replace("/", ".")


def imports_file(imported: Import, importer: str, target: str, language: str) -> bool:
    """Say whether ``imported``, written in the file ``importer``, means the file ``target``.

    Both paths are relative to the repository. Package roots are not known here: an absolute import means
    every file whose path ends in it.
    """
    if importer == target:
        return False
    match language:
        case "python":
            return _python(imported, importer, dotted(target))
        case "javascript" | "typescript" | "tsx":
            return _by_path(imported.module, importer, target, relative_only=True)
        case "c" | "cpp":
            return _ends_in(target, posixpath.normpath(imported.module))
        case "ruby":
            return _by_path(imported.module, importer, target, relative_only=False)
        case "go":
            folder = posixpath.dirname(target)
            return (
                bool(folder) and folder != posixpath.dirname(importer) and _tail(imported.module, folder, "/")
            )
        case "java":
            return _tail(dotted(target), imported.module.removesuffix(".*"), ".") or (
                imported.module.endswith(".*")
                and _tail(dotted(target).rpartition(".")[0], imported.module[:-2], ".")
            )
        case "rust":
            return dotted(target).rpartition(".")[2] in re.split(r"\W+", imported.module)
    return False


def _python(imported: Import, importer: str, target: str) -> bool:
    level = len(imported.module) - len(imported.module.lstrip("."))
    module = imported.module[level:]
    names = [module, *(f"{module}.{name}".lstrip(".") for name in imported.names)]
    if not level:
        return any(_tail(target, name, ".") for name in names if name)
    package = posixpath.dirname(importer).split("/")
    kept = package[: len(package) - (level - 1)]
    base = ".".join(part for part in kept if part)
    return any(f"{base}.{name}".strip(".") == target for name in names)


def _by_path(module: str, importer: str, target: str, *, relative_only: bool) -> bool:
    stem = posixpath.splitext(target)[0]
    candidates = {target, stem, stem.removesuffix("/index")}
    if module.startswith(".") or not relative_only:
        found = posixpath.normpath(posixpath.join(posixpath.dirname(importer), module))
        if found in candidates or posixpath.splitext(found)[0] == stem:
            return True
    return not relative_only and any(_ends_in(candidate, module) for candidate in candidates)


def _ends_in(path: str, end: str) -> bool:
    return path == end or path.endswith(f"/{end}")


def _tail(name: str, end: str, separator: str) -> bool:
    return name == end or name.endswith(separator + end)
