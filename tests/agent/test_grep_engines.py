"""Ripgrep and the own reader answer the same, over generated patterns, texts, trees and ignore files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dspy_agent.search import ripgrep
from dspy_agent.search.grep import Search
from dspy_agent.tools.arguments import GrepArguments
from dspy_agent.tools.grep import make_query
from dspy_agent_core.errors import UsageError

SETTINGS = settings(
    max_examples=int(os.environ.get("DSPY_AGENT_TEST_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def no_global_ignores(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="grep-") as folder:
        yield Path(folder).resolve()


def search(
    root: Path, arguments: GrepArguments, *, with_ripgrep: bool, at: str = "."
) -> list[tuple[str, int, str]]:
    search = Search(make_query(arguments, str(root)), use_ripgrep=with_ripgrep)
    assert search.use_ripgrep is with_ripgrep
    found = [
        (os.path.relpath(file.path, root), line.number, line.text)
        for file in search.run([os.path.normpath(root / at)])
        for line in file.lines
    ]
    assert search.use_ripgrep is with_ripgrep, "ripgrep refused the search"
    return found


def assert_equal(root: Path, arguments: GrepArguments, at: str = ".") -> list[tuple[str, int, str]]:
    ours = search(root, arguments, with_ripgrep=False, at=at)
    assert ours == search(root, arguments, with_ripgrep=True, at=at)
    return ours


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_a_real_ripgrep_is_compared() -> None:
    assert ripgrep.find_ripgrep(), "ripgrep is a development dependency: run through uv"


ATOMS = ["a", "B", "k", "s", "_", " ", "1", "é", "ß", "İ", "σ", ".", r"\w", r"\W", r"\d", r"\s", r"\S", r"\b"]
ATOMS += [
    r"\B",
    "^",
    "$",
    r"\<",
    r"\>",
    "[a-k]",
    "[^a]",
    "[^é]",
    r"[\w-]",
    "[[:upper:]]",
    r"\x41",
    r"\u{e9}",
    "(?i)",
]
REGEX = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
        inner.map(lambda part: f"(?i:{part})"),
    ),
    max_leaves=8,
)
PIECES = [
    b"a",
    b"A",
    b"b",
    b"B",
    b"k",
    b"K",
    b"s",
    b"_",
    b" ",
    b"1",
    b"-",
    b"\r",
    b"\n",
    b"\n",
    b"\xff",
    b"\xe2\x82",
]
PIECES += [c.encode() for c in "éÉßẞſ\u212a\u0130iσςΣ\u0301²Ⅷ\u2028٣😀"] + [b"\x1c", b"\x0b"]
TEXT = st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join)


@SETTINGS
@given(
    pattern=REGEX,
    texts=st.lists(TEXT, min_size=1, max_size=4),
    flags=st.sampled_from(["", "i", "s", "w", "F", "iw"]),
)
@example(pattern="k", texts=["\u212a\n".encode()], flags="i")
@example(pattern=r"\B", texts=[b"\xffa\n", b" \xff", b""], flags="")
def test_patterns(root: Path, pattern: str, texts: list[bytes], flags: str) -> None:
    write(root, {f"{number}.txt": text for number, text in enumerate(texts)})
    arguments = GrepArguments(
        pattern,
        ignore_case="i" in flags,
        case_sensitive="s" in flags,
        fixed_strings="F" in flags,
        word_regexp="w" in flags,
    )
    try:
        make_query(arguments, str(root))
    except UsageError:
        return  # refused before either engine sees it
    assert_equal(root, arguments)


NAMES = [
    "a",
    "b",
    "ab",
    "a.py",
    "b.py",
    ".h",
    "a b",
    "é",
    "[x]",
    "{a}",
    "build",
    "#c",
    "!d",
    "x\\",
    "a,b",
    "-e",
]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
GLOB_PIECES = [
    "a",
    "b",
    "ab",
    "*",
    "**",
    "?",
    "/",
    "/",
    ".py",
    ".h",
    "[ab]",
    "[!a]",
    "[",
    "]",
    "{a,b}",
    "{",
    "}",
    ",",
    "\\",
]
GLOB_PIECES += ["é", " ", "build", "[x]", "[a-]", "**/", "/**", "!"]
GLOBS = st.tuples(
    st.sampled_from(["", "", "!", "/", "!/", "\\!", "\\#", "#"]),
    st.lists(st.sampled_from(GLOB_PIECES), min_size=1, max_size=5).map("".join),
    st.sampled_from(["", "", "/", " ", "\\ ", "\r"]),
).map("".join)
IGNORE_FILES = st.dictionaries(
    st.tuples(
        st.sampled_from(["", "a/", "b/", "a/b/"]),
        st.sampled_from([".gitignore", ".gitignore", ".ignore", ".rgignore", ".git/info/exclude"]),
    ).map("".join),
    st.lists(GLOBS, min_size=1, max_size=4).map("\n".join),
    max_size=4,
)


def build_tree(root: Path, paths: list[str], ignores: dict[str, str]) -> None:
    for path in paths:
        parts = path.split("/")
        target = root.joinpath(*parts)
        if any(parent.is_file() for parent in target.parents) or target.is_dir():
            continue
        write(root, {path: b"needle\n"})
    for path, text in ignores.items():
        target = root / path
        if not any(parent.is_file() for parent in target.parents) and not target.is_dir():
            write(root, {path: text.encode()})


@SETTINGS
@given(
    paths=st.lists(PATHS, min_size=1, max_size=12),
    ignores=IGNORE_FILES,
    repository=st.sampled_from(["", ".git/", "a/.git/"]),
    at=st.sampled_from([".", ".", "a"]),
    hidden=st.booleans(),
    no_ignore=st.sampled_from([False, False, True]),
)
def test_ignore_files(
    root: Path,
    paths: list[str],
    ignores: dict[str, str],
    repository: str,
    at: str,
    hidden: bool,
    no_ignore: bool,
) -> None:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        here = Path(folder)
        build_tree(here, [*paths, "a/zz"], ignores)
        if repository and not (here / repository.split("/")[0]).is_file():
            (here / repository).mkdir(parents=True, exist_ok=True)
        if not (here / "a").is_dir():
            at = "."
        assert_equal(here, GrepArguments("needle", hidden=hidden, no_ignore=no_ignore), at)


@SETTINGS
@given(
    paths=st.lists(PATHS, min_size=1, max_size=12),
    globs=st.lists(GLOBS.filter(lambda glob: not glob.startswith("#")), min_size=1, max_size=3),
    types=st.sampled_from([None, ["py"], ["go"]]),
)
def test_globs_and_types(root: Path, paths: list[str], globs: list[str], types: list[str] | None) -> None:
    arguments = GrepArguments("needle", globs=globs, types=types)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        here = Path(folder)
        build_tree(here, paths, {".gitignore": "b\n", ".git/HEAD": ""})
        try:
            make_query(arguments, str(here))
        except UsageError:
            return
        assert_equal(here, arguments)
