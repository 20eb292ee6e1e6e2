"""Languages, links between files, and Python's structure, without touching a disk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.links import dotted, imports_file, is_test
from dspy_agent_core.code.python_source import parse_python
from dspy_agent_core.code.structure import Import


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.py", "python"),
        ("x.tsx", "tsx"),
        ("Makefile", "make"),
        ("a/Dockerfile", "docker"),
        ("b.cc", "cpp"),
        ("py", None),
    ],
)
def test_language_of(path: str, language: str | None) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    "path",
    [
        *("tests/a.py", "a/test_b.py", "a_test.go", "x.spec.ts", "FooTest.java", "conftest.py"),
        *("src/test/java/a/Base.java", "web/__mocks__/fs.js", "pkg/testdata/x.go", "src/tests.rs", "test.c"),
        *("Shop.Tests/Cart.cs", "CartTests.cs", "src/commonTest/kotlin/A.kt", "CartSpec.kt", "OrderIT.java"),
        *("CartTest.php", "a.cy.ts", "spec/models/user.rb", "shop_tests.cc"),
    ],
)
def test_is_test(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize(
    "path",
    [
        *("src/a.py", "latest.py", "contest.go", "attest/a.py", "src/testament.rs"),
        *("Latest.cs", "src/Contest/A.cs", "src/Audit.java", "EDIT.java", "types/test.d.ts", "Latest/A.kt"),
    ],
)
def test_is_no_test(path: str) -> None:
    assert not is_test(path)


def test_dotted() -> None:
    assert [dotted(p) for p in ("src/a/b.py", "a/__init__.py", "__init__.py", "web/index.ts")] == [
        "src.a.b",
        "a",
        "__init__",
        "web",
    ]


@pytest.mark.parametrize(
    ("module", "names", "importer", "target", "language"),
    [
        ("a.b", (), "x.py", "src/a/b.py", "python"),
        ("a", ("b",), "x.py", "a/b.py", "python"),
        (".b", ("c",), "a/x.py", "a/b.py", "python"),
        (".", ("b",), "a/x.py", "a/b.py", "python"),
        ("..b", (), "a/c/x.py", "a/b.py", "python"),
        ("a", (), "x.py", "a/__init__.py", "python"),
        ("./b", (), "a/x.ts", "a/b.ts", "typescript"),
        ("../b/index.js", (), "a/x.js", "b/index.js", "javascript"),
        ("./b", (), "a/x.js", "a/b/index.js", "javascript"),
        ("b/c.h", (), "x.c", "include/b/c.h", "c"),
        ("example.org/m/pkg/b", (), "main.go", "pkg/b/f.go", "go"),
        ("com.x.B", (), "A.java", "src/com/x/B.java", "java"),
        ("com.x.*", (), "A.java", "src/com/x/B.java", "java"),
        ("crate::b::C", (), "src/a.rs", "src/b.rs", "rust"),
        ("b/c", (), "x.rb", "lib/b/c.rb", "ruby"),
        ("./b.js", (), "a/x.ts", "a/b.ts", "typescript"),
        ("@/lib/b", (), "a/x.ts", "src/lib/b.ts", "typescript"),
        ("../inc/c.h", (), "src/x.c", "inc/c.h", "c"),
        ("com.x.B.make", (), "A.java", "src/com/x/B.java", "java"),
        ("com.x.B", (), "A.kt", "src/com/x/B.kt", "kotlin"),
        ("com.x.make", (), "A.kt", "src/com/x/Makers.kt", "kotlin"),
        ("Acme.Shop", (), "x/A.cs", "src/Acme.Shop/Cart.cs", "csharp"),
        ("Acme.Shop.Cart", (), "x/A.cs", "Acme/Shop/Cart.cs", "csharp"),
        ("App\\Models\\User", (), "routes/a.php", "app/Models/User.php", "php"),
        ("GuzzleHttp\\Client", (), "x/a.php", "src/Client.php", "php"),
        ("b.php", (), "a/x.php", "a/b.php", "php"),
        ("./lib.sh", (), "bin/run.sh", "bin/lib.sh", "shell"),
        ("../src/a.py", (), "docs/a.md", "src/a.py", "markdown"),
    ],
)
def test_imports_file(module: str, names: tuple[str, ...], importer: str, target: str, language: str) -> None:
    assert imports_file(Import(module, 1, names), importer, target, language)


@pytest.mark.parametrize(
    ("module", "importer", "target", "language"),
    [
        ("b", "x.py", "src/ab.py", "python"),
        (".b", "a/x.py", "c/b.py", "python"),
        ("a.b", "a/b.py", "a/b.py", "python"),
        ("react", "x.ts", "src/react-app.ts", "typescript"),
        ("./b", "c/x.ts", "a/b.ts", "typescript"),
        ("stdio.h", "x.c", "io.h", "c"),
        ("fmt", "main.go", "other/f.go", "go"),
        ("./foo.service", "a/x.ts", "a/foo.ts", "typescript"),
        ("com.x.make", "A.java", "src/com/x/B.java", "java"),
        ("com.x.B", "A.kt", "src/com/x/C.kt", "kotlin"),
        ("System", "A.cs", "src/Cart.cs", "csharp"),
        ("App\\Models\\User", "a.php", "app/Http/User.php", "php"),
        ("App\\Models\\User", "a.php", "app/Models/Admin.php", "php"),
        ("a.md", "docs/b.md", "a.md", "markdown"),
    ],
)
def test_imports_another_file(module: str, importer: str, target: str, language: str) -> None:
    assert not imports_file(Import(module, 1), importer, target, language)


def test_python_structure() -> None:
    found = parse_python(
        'r"""Doc."""\nfrom . import x\nif True:\n    import a.b as c\n    async def f(): "g"\n'
        "class A(B, metaclass=M):\n    try:\n        def m(self): ...\n    except E:\n        pass\n"
    )
    assert found
    assert found.docstring == "Doc."
    assert [(i.module, i.names) for i in found.imports] == [(".", ("x",)), ("a.b", ())]
    assert [(s.qualified, s.kind, s.signature) for s in found.symbols] == [
        ("f", "function", "async def f()"),
        ("A", "class", "class A(B, metaclass=M)"),
        ("A.m", "method", "def m(self)"),
    ]


@pytest.mark.parametrize("text", ["def f(", "a\0b", "(" * 500, "-" * 100_000 + "1", "'\\d'; def"])
def test_what_is_no_python(text: str) -> None:
    assert parse_python(text) is None


@given(st.text("def clas():\n '\"\\x=@[]{}0", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    parse_python(text)
