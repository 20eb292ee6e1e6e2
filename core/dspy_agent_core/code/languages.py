"""Languages by file name: one table for ``grep -t``, for parsing and for the code index."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Language:
    """A language: the globs of its file names, and other names that users give it."""

    name: str
    globs: tuple[str, ...]
    aliases: tuple[str, ...] = ()


LANGUAGES: tuple[Language, ...] = (
    Language("python", ("*.py", "*.pyi"), ("py",)),
    Language("javascript", ("*.js", "*.jsx", "*.mjs", "*.cjs"), ("js", "jsx")),
    Language("typescript", ("*.ts", "*.mts", "*.cts"), ("ts",)),
    Language("tsx", ("*.tsx",)),
    Language("go", ("*.go",), ("golang",)),
    Language("java", ("*.java",)),
    Language("rust", ("*.rs",), ("rs",)),
    Language("c", ("*.c", "*.h")),
    Language("cpp", ("*.cc", "*.cpp", "*.cxx", "*.hh", "*.hpp", "*.hxx"), ("c++",)),
    Language("ruby", ("*.rb", "Rakefile", "Gemfile", "*.gemspec"), ("rb",)),
    Language("csharp", ("*.cs",), ("cs",)),
    Language("php", ("*.php",)),
    Language("kotlin", ("*.kt", "*.kts"), ("kt",)),
    Language("shell", ("*.sh", "*.bash"), ("sh", "bash")),
    Language("sql", ("*.sql",)),
    Language("yaml", ("*.yaml", "*.yml"), ("yml",)),
    Language("json", ("*.json",)),
    Language("toml", ("*.toml",)),
    Language("markdown", ("*.md", "*.markdown"), ("md",)),
    Language("html", ("*.html", "*.htm")),
    Language("css", ("*.css",)),
    Language("docker", ("Dockerfile", "*.dockerfile"), ("dockerfile",)),
    Language("make", ("Makefile", "*.mk"), ("makefile",)),
)

BY_NAME: dict[str, Language] = {
    name: language for language in LANGUAGES for name in (language.name, *language.aliases)
}
_BY_EXTENSION = {glob[1:]: language for language in LANGUAGES for glob in language.globs if glob[0] == "*"}


def language_of(path: str) -> str | None:
    """Return the name of the language of the file ``path``, or None."""
    name = path.rpartition("/")[2]
    found = _BY_EXTENSION.get(f".{name.rpartition('.')[2]}") if "." in name else None
    if found is None:
        found = next((lang for lang in LANGUAGES if any(fnmatchcase(name, g) for g in lang.globs)), None)
    return found.name if found else None
