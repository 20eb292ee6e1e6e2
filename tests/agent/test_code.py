"""extract and codectx on a small project in several languages, with a real git history."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dspy_agent.tools import codectx, extract
from dspy_agent.tools.arguments import CodectxArguments, ExtractArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.contracts.results import Hits
from dspy_agent_core.errors import AgentError, UsageError

FILES = {
    "src/shop/__init__.py": "",
    "src/shop/cart.py": '''"""Carts."""
import functools


class Cart:
    """Holds items."""

    @functools.cache
    @property
    def total(self) -> int:
        """Sum."""
        return 0

    def add(self, item: str, *, count: int = 1) -> None:
        def inner():
            pass


def total(x):
    return x
''',
    "src/shop/pay.py": (
        "from .cart import Cart\nfrom shop import cart\n\n\ndef pay(c: Cart):\n    return c.total\n"
    ),
    "tests/test_cart.py": "from shop.cart import Cart\n\n\ndef test_total():\n    assert Cart().total == 0\n",
    "broken.py": "def fine(a):\n    return a\n\nclass Half:\n    def method(self):\n        return (\n",
    "web/app.ts": (
        'import {Cart} from "./lib/cart";\nexport class App {\n'
        '  render(a: number): string { return ""; }\n}\n'
    ),
    "web/lib/cart.ts": "/** A cart. */\nexport interface Cart { size: number }\n",
    "main.go": (
        "package main\n\n// Server serves.\ntype Server struct{}\n\n// Run runs.\nfunc (s *Server) Run() {}\n"
    ),
    "lib.rs": "pub struct P;\nimpl P {\n    /// New.\n    pub fn new() -> P { P }\n}\n",
    "a.cpp": (
        "namespace n {\ntemplate <class T>\nclass K { int f() { return 1; } };\n}\n"
        "int n::K::g() { return 2; }\n"
    ),
    "A.java": "/** Doc. */\npublic class A {\n  int f(int x) { return x; }\n}\n",
    "a.rb": "module M\n  class R\n    def go; end\n  end\nend\n",
    "a.c": "int *find(int a,\n  int b)\n{ return 0; }\n",
    "a.js": "const run = async () => { return 1; };\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First line\n\nmore"]):
        identity = [
            "-c",
            "user.name=Ann Lee",
            "-c",
            "user.email=ann@example.org",
            "-c",
            "commit.gpgsign=false",
        ]
        subprocess.run(["git", *identity, *command], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def find(project: Path, symbol: str, **options: int) -> Hits:
    return extract.run(ExtractArguments(symbol, **options), ToolContext(open_workspace(project)))


def describe(project: Path, target: str) -> codectx.CodeContext:
    return codectx.run(CodectxArguments(target), ToolContext(open_workspace(project)))


@pytest.mark.parametrize(
    ("symbol", "place"),
    [
        ("Cart.add", "src/shop/cart.py:14-16 Cart.add"),
        ("Cart.total", "src/shop/cart.py:8-12 Cart.total"),
        ("shop.cart.total", "src/shop/cart.py:19-20 total"),
        ("src/shop/cart.py:total", "src/shop/cart.py:19-20 total"),
        ("total", "src/shop/cart.py:19-20 total"),
        ("Cart.add.inner", "src/shop/cart.py:15-16 Cart.add.inner"),
        ("Cart", "src/shop/cart.py:5-16 Cart"),
        ("web.lib.cart.Cart", "web/lib/cart.ts:2-2 Cart"),
        ("cart.ADD", "src/shop/cart.py:14-16 Cart.add"),
        ("fine", "broken.py:1-2 fine"),
        ("App.render", "web/app.ts:3-3 App.render"),
        ("Server.Run", "main.go:7-7 Server.Run"),
        ("P::new", "lib.rs:4-4 P.new"),
        ("n::K", "a.cpp:2-3 n.K"),
        ("n::K::g", "a.cpp:5-5 n.K.g"),
        ("A#f", "A.java:3-3 A.f"),
        ("M::R#go", "a.rb:3-3 M.R.go"),
        ("find", "a.c:1-3 find"),
        ("run", "a.js:1-1 run"),
    ],
)
def test_extract_finds_the_best_first(project: Path, symbol: str, place: str) -> None:
    hit = find(project, symbol).hits[0]
    assert f"{hit.path}:{hit.line}-{hit.end_line} {hit.symbol}" == place
    lines = (project / hit.path).read_text().splitlines()
    assert hit.text == "\n".join(lines[(hit.line or 0) - 1 : hit.end_line])


def test_extract_tells_names_that_are_like_it(project: Path) -> None:
    assert find(project, "Crat").similar == ["Cart"]
    assert find(project, "rend").similar == ["App.render"]


def test_extract_limits(project: Path) -> None:
    result = find(project, "Cart", max_hits=1)
    assert (len(result.hits), result.truncated) == (1, True)


@pytest.mark.parametrize("symbol", ["", ".", "a\nb", "nope.py:f", "../x.py:f"])
def test_extract_refuses_what_is_no_name(project: Path, symbol: str) -> None:
    with pytest.raises(AgentError):
        find(project, symbol)


def test_codectx_of_a_file(project: Path) -> None:
    found = describe(project, "src/shop/cart.py")
    assert (found.language, found.docstring, found.lines) == ("python", "Carts.", 20)
    assert [(s.qualified, s.kind, s.line) for s in found.symbols or []] == [
        ("Cart", "class", 5),
        ("Cart.total", "method", 8),
        ("Cart.add", "method", 14),
        ("Cart.add.inner", "function", 15),
        ("total", "function", 19),
    ]
    assert (found.symbols or [])[2].signature == "def add(self, item: str, *, count: int=1) -> None"
    assert [(hit.path, hit.line) for hit in found.used_by or []] == [("src/shop/pay.py", 1)]
    assert found.tests == ["tests/test_cart.py"]
    assert found.last_change
    assert (found.last_change.author, found.last_change.subject) == ("Ann Lee", "First line")


def test_codectx_of_a_symbol(project: Path) -> None:
    found = describe(project, "Cart")
    assert found.symbol
    assert (found.path, found.symbol.docstring) == ("src/shop/cart.py", "Holds items.")
    assert "src/shop/pay.py:5" in [f"{hit.path}:{hit.line}" for hit in found.used_by or []]
    assert found.tests == ["tests/test_cart.py"]
    assert [hit.path for hit in found.also_defined or []] == ["web/lib/cart.ts"]


def test_codectx_across_languages(project: Path) -> None:
    assert [hit.path for hit in describe(project, "web/lib/cart.ts").used_by or []] == ["web/app.ts"]
    assert describe(project, "broken.py").broken


def test_codectx_of_other_files(project: Path) -> None:
    (project / "data.bin").write_bytes(b"\0\1")
    (project / "notes.txt").write_text("one\ntwo\n")
    assert describe(project, "data.bin").binary
    assert (describe(project, "notes.txt").lines, describe(project, "notes.txt").symbols) == (2, None)
    assert not describe(project, "nothing_here")


def test_codectx_runs_nothing_that_the_repository_configures(project: Path) -> None:
    mark = project / "ran"
    for key in ("core.fsmonitor", "gpg.program", "core.pager", "diff.external"):
        subprocess.run(["git", "config", key, f"touch {mark};"], cwd=project, check=True)
    subprocess.run(["git", "config", "log.showSignature", "true"], cwd=project, check=True)
    assert describe(project, "a.c").last_change
    assert not mark.exists()


def test_a_file_without_git(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    assert describe(tmp_path, "a.py").last_change is None


def test_a_file_whose_name_is_not_utf8_is_described(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.py")).write_bytes(b"def f():\n    pass\n")
    found = describe(tmp_path, os.fsdecode(b"bad\xff.py"))
    assert found.path == "bad\\xff.py"
    assert [symbol.name for symbol in found.symbols or ()] == ["f"]


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b"])
def test_what_can_be_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        describe(tmp_path, name)


def test_a_definition_may_be_written_oddly(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "def \\\n  far(x): pass\nclass  Wide: pass\nasync def   late(): pass\nfar(1)\n"
    )
    for name, line in (("far", 1), ("Wide", 3), ("late", 4)):
        symbol = describe(tmp_path, name).symbol
        assert symbol is not None
        assert symbol.line == line
