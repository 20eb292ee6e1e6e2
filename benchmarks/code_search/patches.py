"""Text that tells of a fault → the files that were mended for it: from patches of Debian's source packages.

The text is a patch's title and the first paragraph below it, as its author told what was wrong; the tree is
the source before any patch. Packaging's own patches (paths, builds, spelling, documentation) are left out.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.code_search.dataset import Query, Target, set_folder, write_lines
from benchmarks.code_search.places import Half, is_test, order_of
from dspy_agent.code.queries import QUERIES
from dspy_agent_core.code.languages import language_of

FEWEST_PER_PACKAGE = 3  # a whole tree to index for fewer is not worth it
MOST_PER_PACKAGE = 30
MOST_FILES = 3
MOST_WORDS = 80
_CODE = frozenset(QUERIES)
_PACKAGING = re.compile(
    r"(?i)\b(debian|ubuntu|reproducib\w*|typos?|spelling|man ?pages?|hurd|kfreebsd|fhs|cross[- ]?build\w*|"
    r"makefile|autotools|autoconf|cmake\w*|pkg-?config|documentation|docs?|copyright|privacy|shebang|"
    r"hardening|cflags|ldflags|build system|ftbfs|gcc-?\d*|system(?:-wide)? (?:copy|version)|packaged|"
    r"vendored|do not install|version string|translations?|tests?|release|changelog|revert|merge|gemspec|"
    r"patch \d[\d.]*)\b"
)
_HEADER = re.compile(r"(?i)^([A-Za-z][\w-]*):[ \t]?(.*)$")
_TRAILER = re.compile(
    r"(?i)^\s*(?:[\w-]+-by|[\w-]*bug[\w-]*|cve|fixes|closes|conflicts|origin|cc|link|see|index|author|date|"
    r"backport\w*|https?|commit|cherry[ -]picked|\(cherry|upstream|change-id|last-update|forwarded|"
    r"applied-upstream)\b.*"
)
_FILE = re.compile(r"^(---|\+\+\+) (\S+)", re.MULTILINE)
_PREFIX = re.compile(
    r"(?i)^(?:\[[^\]]*\]\s*|cve-[\d-]+\s*[:,-]?\s*|upstream\s*:?\s*|fix for\s+(?=cve)|"
    r"(?:gh|bpo)-\d+\s*[:-]?\s*)+"
)


@dataclass(frozen=True, slots=True)
class Patch:
    """What a patch says of itself, and the files that it changes."""

    text: str
    files: tuple[str, ...]


def read_patch(content: str) -> Patch:
    """Return the text and the files of a patch in git's or DEP-3's form."""
    found = _FILE.search(content)
    head = content[: found.start()] if found else content
    files = {
        name.partition("/")[2] if name != "/dev/null" else ""
        for mark, name in _FILE.findall(content)
        if mark == "+++"
    }
    return Patch(_text(head), tuple(sorted(files - {""})))


def _text(head: str) -> str:
    title, rest = "", list[str]()
    in_title, in_header = "", True
    for line in re.split(r"(?m)^(?:---|diff |Index: |={10,})", head, maxsplit=1)[0].splitlines():
        named = _HEADER.match(line)
        if in_header and named:
            in_title = (
                named[1].lower() if named[1].lower() in ("subject", "description") and not title else ""
            )
            title = named[2].strip() if in_title else title
        elif in_title == "subject" and line[:1] in (" ", "\t") and line.strip():
            title += f" {line.strip()}"
        elif in_title and line[:1] in (" ", "\t") and line.strip() not in ("", "."):
            rest.append(line.strip())
        elif in_header and not line.strip():
            in_header, in_title = not title, ""
            rest.append("")
        elif not in_header or line.strip() in ("", "."):
            rest.append("" if line.strip() == "." else line.strip())
    kept = "\n".join("" if _TRAILER.match(line) else line for line in rest)
    first = next((part for part in re.split(r"\n\s*\n", kept) if part.strip()), "")
    title = _PREFIX.sub("", title)
    words = f"{title.rstrip('.')}. {' '.join(first.split())}".split()
    return " ".join(words[:MOST_WORDS]).strip(". ")


def title_is_packaging(text: str) -> bool:
    """Tell whether the text speaks of packaging rather than of what the program does."""
    return bool(_PACKAGING.search(text.partition(". ")[0]))


def queries_of(package: str, folder: Path) -> Iterator[Query]:
    """Yield the package's queries; ``folder`` holds its unpatched source and ``debian/patches``."""
    seen: set[str] = set()
    for path in sorted((folder / "debian/patches").rglob("*"), key=lambda path: order_of(path.name)):
        if not path.is_file() or path.name in ("series", "README") or len(seen) >= MOST_PER_PACKAGE:
            continue
        patch = read_patch(path.read_text("utf-8", "replace"))
        files = [
            name
            for name in patch.files
            if language_of(name) in _CODE and _is_label(name) and (folder / name).is_file()
        ]
        named = any(Path(name).name.lower() in patch.text.lower() for name in files)
        words = len(re.findall(r"[A-Za-z]{2,}", patch.text))
        if not 1 <= len(files) <= MOST_FILES or words < 5 or named or patch.text in seen:
            continue
        if title_is_packaging(patch.text):
            continue
        seen.add(patch.text)
        targets = tuple(Target(name) for name in files)
        language = language_of(files[0]) or ""
        yield Query(f"{package}:{path.name}", patch.text, targets, package, language, "issue", package)


def _is_label(name: str) -> bool:
    return not is_test(name) and Path(name).stem.lower() not in ("version", "setup", "configure")


def build(half: Half, packages: dict[str, Path], data: Path | None = None) -> dict[str, int]:
    """Write the half's trees and queries; return how many there are of each."""
    folder = set_folder("issue", half, data)
    shutil.rmtree(folder, ignore_errors=True)
    queries: list[Query] = []
    files = 0
    for package, source in sorted(packages.items()):
        found = list(queries_of(package, source))
        if len(found) >= FEWEST_PER_PACKAGE:
            files += _link(source, folder / package)
            queries += found
    counts = {"packages": len({query.package for query in queries}), "files": files}
    return {**counts, "queries": write_lines(folder / "queries.jsonl", queries)}


def _link(source: Path, target: Path) -> int:
    """Put what is text in place as hard links, without ``debian/``, which holds the patches."""
    count = 0
    for folder, names, files in os.walk(source):
        if Path(folder) == source:
            names[:] = [name for name in names if name not in ("debian", ".pc", ".git")]
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True, exist_ok=True)
        for name in files:
            file = Path(folder, name)
            if language_of(name) and not file.is_symlink():
                (place / name).hardlink_to(file)
                count += 1
    return count
