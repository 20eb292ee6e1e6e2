"""How files of a repository belong together: which import means which file, and what is a test."""

from __future__ import annotations

import posixpath
import re

from dspy_agent_core.code.structure import Import

_TEST_FOLDERS = frozenset(
    ("test", "tests", "__tests__", "__mocks__", "spec", "specs", "testing", "testdata", "cypress", "e2e")
)
_TEST_FOLDER = re.compile(r".*(?:\.Tests?|[a-z](?:Test|UnitTest|IntegrationTest)s?)$")  # C#'s, Kotlin's
_TEST_NAME = re.compile(
    r"^(?:tests?|test_.*|.*_tests?|.*_spec|.*[.-](?:tests?|spec|cy)|.*[a-z0-9](?:Tests?|TestCase|Spec|IT)|conftest)$"
)
_SOURCE_ROOTS = frozenset(("src", "lib", "app", "inc", "includes", "tests", "test"))
_SCRIPT_SUFFIXES = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")


def is_test(path: str) -> bool:
    """Say whether ``path`` (relative, with slashes) looks like a test by the habits of its language."""
    folders, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    if stem.endswith(".d"):
        return False  # a declaration file of types
    return bool(_TEST_NAME.match(stem)) or any(
        part in _TEST_FOLDERS or _TEST_FOLDER.match(part) for part in folders.split("/")
    )


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
            here = posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported.module))
            return here == target or _ends_in(target, posixpath.normpath(imported.module))
        case "ruby" | "shell":
            return _by_path(imported.module, importer, target, relative_only=False)
        case "markdown":
            return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported.module)) == target
        case "go":
            folder = posixpath.dirname(target)
            return (
                bool(folder) and folder != posixpath.dirname(importer) and _tail(imported.module, folder, "/")
            )
        case "java" | "kotlin":
            return _jvm(imported.module, target)
        case "csharp":
            folder = posixpath.dirname(target).replace("/", ".")
            return _tail(folder, imported.module, ".") or _tail(dotted(target), imported.module, ".")
        case "php":
            return _php(imported.module, importer, target)
        case "rust":
            return dotted(target).rpartition(".")[2] in re.split(r"\W+", imported.module)
    return False


def _jvm(module: str, target: str) -> bool:
    """A class, what is in it (``import static``, a nested class), or a package's file of functions."""
    file, package = dotted(target), dotted(target).rpartition(".")[0]
    if module.endswith(".*"):
        return _tail(package, module[:-2], ".") or _tail(file, module[:-2], ".")
    outer, _, name = module.rpartition(".")
    if _tail(file, module, "."):
        return True
    if outer.rpartition(".")[2][:1].isupper():
        return _tail(file, outer, ".")
    return name[:1].islower() and target.endswith((".kt", ".kts")) and _tail(package, outer, ".")


def _php(module: str, importer: str, target: str) -> bool:
    """A path, or a class by PSR-4: the folders below the source root end the namespace."""
    if "\\" not in module:
        return module.endswith(".php") and _by_path(module, importer, target, relative_only=False)
    *namespace, name = module.split("\\")
    *folders, stem = posixpath.splitext(target)[0].split("/")
    roots = [index for index, folder in enumerate(folders) if folder.lower() in _SOURCE_ROOTS]
    below = folders[roots[-1] + 1 :] if roots else folders
    return stem == name and namespace[len(namespace) - len(below) :] == below and len(below) <= len(namespace)


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
    if module.startswith(("@/", "~/")):  # by habit the source root
        return any(_ends_in(candidate, module[2:]) for candidate in candidates)
    if module.startswith(".") or not relative_only:
        found = posixpath.normpath(posixpath.join(posixpath.dirname(importer), module))
        if found in candidates or (found.endswith(_SCRIPT_SUFFIXES) and posixpath.splitext(found)[0] == stem):
            return True
    return not relative_only and any(
        _ends_in(candidate, posixpath.normpath(module)) for candidate in candidates
    )


def _ends_in(path: str, end: str) -> bool:
    return path == end or path.endswith(f"/{end}")


def _tail(name: str, end: str, separator: str) -> bool:
    return name == end or name.endswith(separator + end)
