"""Workspaces that nobody would make on purpose, and queries that nobody would type."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.index import extract
from dspy_agent.tools import esearch
from dspy_agent.tools.arguments import EsearchArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.contracts.results import Hits
from dspy_agent_core.errors import UsageError
from tests.index.kit import PROGRAM, assert_current, dspy_agent, environment, listed, opened, report


def search(root: Path, words: str, **options: object) -> Hits:
    return esearch.run(EsearchArguments((words,), **options), ToolContext(open_workspace(root)))  # type: ignore[arg-type]


def paths(result: Hits) -> list[str]:
    return [hit.path for hit in result.hits]


def test_a_huge_file_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as file:
        file.write(b"needle in the beginning\n" * 3000)
        file.truncate(200 << 20)
    with (tmp_path / "huge.py").open("wb") as file:
        for _ in range(25):
            file.write(b"def straw(): return 'hay'\n" * 40_000)
    (tmp_path / "small.py").write_text("def other(): pass\n")
    script = """
import re, sys
from dspy_agent.cli.main import run_command
code = run_command(["esearch", "needle"])
# Not getrusage: its peak is also that of the process which started this one.
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(code)
"""
    done = subprocess.run(
        [PROGRAM[0], "-c", script],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("huge.txt:1")
    assert int(done.stderr.split()[-1]) < 200 << 10  # KiB
    assert set(paths(search(tmp_path, "straw"))) == {"huge.py"}


def test_minified_and_generated_files(tmp_path: Path) -> None:
    (tmp_path / "app.min.js").write_text("function needle(a){return a};" * 40_000)
    (tmp_path / "one_line.js").write_text("var x=1;function needle(b){return b};" * 27_000)
    (tmp_path / "data.json").write_text('{"needle": 1,' + '"a": [1, 2],' * 80_000 + '"b": 2}')
    (tmp_path / "api_pb2.py").write_text("def needle(): pass\n" + "x = '" + "\\\\x00" * 200_000 + "'\n")
    (tmp_path / "real.py").write_text("def needle(): pass\n")
    result = search(tmp_path, "needle")
    assert paths(result)[0] == "real.py"
    assert set(paths(result)) == {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert all(len(hit.text or "") < 5_000 for hit in result.hits)


def test_bytes_that_are_no_text_in_contents_and_names(tmp_path: Path) -> None:
    for name, data in (
        (b"latin\xe9.py", b"def needle_one(): return '\xe9'\n"),
        (b"line\nfeed.py", b"def needle_two(): pass\n"),
        (b"\x1b[31mred.py", b"def needle_three(): pass\n"),
        (b"tab\t\"quote'.py", b"def needle_four(): pass\n"),
        (b"bin.py", b"def needle_five(): pass\0\n"),
        (b"utf16.py", "def needle_six(): pass\n".encode("utf-16")),
        (b"bom.py", b"\xef\xbb\xbfdef needle_seven(): pass\n"),
        (b"cr.py", b"def needle_eight():\r    pass\r"),
        (b"crlf.py", b"def needle_nine():\r\n    pass\r\n"),
        (b"\xd8\xa7\xe2\x80\xae.py", b"def needle_ten(): pass\n"),
    ):
        (tmp_path / os.fsdecode(name)).write_bytes(data)
    found = report("esearch", "needle", cwd=tmp_path)
    assert len(found["hits"]) == 9
    assert "latin\\xe9.py" in [hit["path"] for hit in found["hits"]]
    assert dspy_agent("esearch", "needle", cwd=tmp_path).returncode == 0
    assert search(tmp_path, "needle_nine").hits[0].text == "def needle_nine():\n    pass"
    index = opened(tmp_path)
    index.update()
    assert_current(index, ("needle",))


def test_what_is_no_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.py").write_text("def needle(): pass\n")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    (root / "dangling.py").symlink_to("nowhere")
    (root / "up").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "device.py").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.py")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket.py"))
        (root / "file.py").write_text("def needle(): pass\n")
        assert paths(search(root, "needle")) == ["file.py"]


def test_deep_trees(tmp_path: Path) -> None:
    here = str(tmp_path)
    for _ in range(1000):
        here += "/d"
        Path(here).mkdir()
    Path(f"{here}/leaf.py").write_text("def needle(): pass\n")
    try:
        index = opened(tmp_path)
        index.update()
        assert [path.count("/") for path in listed(index)] == [1000]
        Path(f"{here}/leaf.py").write_text("def gamma(): pass\n")
        Path(f"{here}/new.py").write_text("def alpha(): pass\n")
        index.update()
        assert_current(index)
    finally:
        subprocess.run(["rm", "-rf", f"{tmp_path}/d"], check=True)


def test_files_that_vanish_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        (tmp_path / f"m{number}.py").write_text(f"def alpha_{number}(): pass\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text("def beta(): pass\n")
    real = extract._read

    def read(path: str) -> tuple[bytes, bool]:
        if path.endswith("m3.py"):
            Path(path).unlink()
        elif path.endswith("m4.py"):
            Path(path).unlink()
            Path(path).mkdir()
        elif path.endswith("a.py"):
            shutil.rmtree(tmp_path / "sub")
            (tmp_path / "sub").write_text("beta\n")
        elif path.endswith("m5.py"):
            result = real(path)
            Path(path).write_text("def gamma(): pass\n")
            return result
        return real(path)

    index = opened(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(extract, "_read", read)
        index.update()
    index.update()
    assert index.notes == []
    assert listed(index) == {"m0.py", "m1.py", "m2.py", "m5.py", "m6.py", "m7.py", "m8.py", "sub"}
    assert_current(index)


def test_a_file_of_very_many_chunks(tmp_path: Path) -> None:
    (tmp_path / "many.py").write_text("".join(f"def f{n}(): return {n}\n" for n in range(60_000)))
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "blank.py").write_text("\n \n\t\n")
    assert search(tmp_path, "f12345").hits[0].line == 12346
    index = opened(tmp_path)
    index.update()
    assert listed(index) == {"many.py", "empty.py", "blank.py"}


def test_nothing_to_index_is_told(tmp_path: Path) -> None:
    for words in (["index"], ["esearch", "x"], ["index", "--status"]):
        done = dspy_agent(*words, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.strip()
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0\0")
    assert dspy_agent("esearch", "x", cwd=tmp_path).returncode == 1


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("known")
    (root / "a.py").write_text(
        "def alpha(x):\n    return beta(x) + 'größe'\n\n\nclass Shape:\n    def area(self): ...\n"
    )
    (root / "b.py").write_text("def переменная():\n    return 1\n\n\ndef 变量():\n    return '🎉'\n")
    (root / "c.md").write_text("# Title\n\nSome words about alpha and c++.\n")
    return root


@pytest.mark.parametrize("words", ["", "   ", "\t\n"])
def test_no_query(known: Path, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        search(known, words)
    assert caught.value.code == "NoQuery"


@pytest.mark.parametrize(
    "words",
    ["?!.,;", "()", "\0", "🎉", "\u202e\u200f", "\ud800", "[", "(?P<", "*", "\\", "''", "-", "...", "::"],
)
def test_a_query_without_words_finds_nothing(known: Path, words: str) -> None:
    assert not search(known, words)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("переменная", "b.py"),
        ("变量", "b.py"),
        ("größe", "a.py"),
        ("al\0pha alpha", "a.py"),
        ("\u202ealpha\u200f", "a.py"),
        (".*alpha.*", "a.py"),
        ("Shape::area", "a.py"),
        ("Shape->area()", "a.py"),
        ("x " * 50_000 + "alpha", "a.py"),
        ("alpha " * 20_000, "a.py"),
        ("alpha" + "." * 100_000, "a.py"),
        ("a" * 100_000 + " alpha", None),
        ("a." * 50_000, None),
        ("((((" * 25_000, None),
    ],
)
def test_odd_queries(known: Path, words: str, path: str | None) -> None:
    result = search(known, words)
    if path is not None:
        assert paths(result)[0] == path


@given(words=st.text(max_size=60))
def test_any_query(known: Path, words: str) -> None:
    try:
        search(known, words)
    except UsageError as error:
        assert error.code == "NoQuery"  # noqa: PT017


def test_the_index_is_shown_by_no_other_tool(tmp_path: Path) -> None:
    home = tmp_path / "home"
    root = tmp_path / "root"
    for folder in (home, root):
        folder.mkdir()
    (root / "a.py").write_text("def alpha(): pass\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True, env=environment(HOME=str(home)))
    report("index", cwd=root, HOME=str(home))
    for words in (["tree"], ["ls"], ["grep", "alpha"], ["grep", "--hidden", "."]):
        done = dspy_agent(*words, cwd=root, HOME=str(home))
        assert done.returncode == 0, done.stderr
        assert "dspy_index" not in done.stdout
    status = subprocess.run(
        ["git", "status", "--short"],
        cwd=root,
        env=environment(HOME=str(home)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert status.stdout == "?? a.py\n"
    index = opened(root)
    index.update()
    assert listed(index) == {"a.py"}
