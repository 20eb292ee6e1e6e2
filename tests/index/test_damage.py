"""An index that is damaged, older, foreign or can't be written: told, and the answers are right."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dspy_agent.index import folder as folders
from dspy_agent.index import manifest as manifests
from dspy_agent.index.hits import Lines
from dspy_agent.index.location import index_folder
from dspy_agent_core.index.codec import pack
from tests.index.kit import (
    PROGRAM,
    anew,
    answers,
    assert_current,
    dspy_agent,
    environment,
    found_paths,
    listed,
    opened,
    report,
)


def tree(root: Path) -> Path:
    root.mkdir(exist_ok=True)
    for number in range(6):
        (root / f"m{number}.py").write_text(f"def alpha_{number}(x):\n    return beta(x)\n")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tree(tmp_path / "root")
    index = opened(found)
    index.update()
    (found / "m6.py").write_text("def gamma(): pass\n")
    index.update()
    assert len(index.manifest.segments) == 2
    return found


def files_of(root: Path) -> list[Path]:
    return [root / ".dspy_index" / "manifest", *sorted((root / ".dspy_index").glob("segment-*"))]


def make_folder(path: Path) -> None:
    path.unlink()
    (path / "more").mkdir(parents=True)


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "halved": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut by one byte": cut,
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "foreign": lambda path: path.write_bytes(b"not an index " * 50),
    "a folder": make_folder,
    "a pipe": make_pipe,
    "a loop": lambda path: (path.unlink(), path.symlink_to(path.name)),
}


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_and_made_anew(root: Path, damage: str, which: int) -> None:
    DAMAGES[damage](files_of(root)[which])
    index = opened(root)
    index.update()
    assert len(index.notes) == 1
    assert_current(index)
    after = opened(root)
    after.update()
    assert after.notes == []
    assert_current(after)
    assert {path.name for path in files_of(root)} - {"manifest"} == set(after.manifest.segments)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_any_flipped_byte(root: Path, which: int) -> None:
    path = files_of(root)[which]
    whole = path.read_bytes()
    expected = answers(anew(root))
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        index = opened(root)
        assert not index.open()
        assert index.notes
        path.write_bytes(whole)
        index = opened(root)
        assert index.open()
        assert answers(index) == expected


def test_files_of_the_index_that_took_each_others_place(root: Path) -> None:
    manifest, first, second = files_of(root)
    contents = [path.read_bytes() for path in (manifest, first, second)]
    for one, other in ((manifest, 1), (first, 0), (first, 2)):
        one.write_bytes(contents[other])
        index = opened(root)
        index.update()
        assert_current(index)
        for path, content in zip((manifest, first, second), contents, strict=True):
            path.write_bytes(content)


@pytest.mark.parametrize("gone", ["manifest", "segment", "all"])
def test_files_of_the_index_that_are_gone(root: Path, gone: str) -> None:
    session = opened(root)
    session.update()
    if gone == "all":
        shutil.rmtree(root / ".dspy_index")
    else:
        files_of(root)[0 if gone == "manifest" else 1].unlink()
    (root / "new.py").write_text("def delta_value(): pass\n")
    for index in (opened(root), session):
        index.update()
        assert bool(index.notes) == (gone == "segment" and index is not session)
        assert_current(index)


@pytest.mark.parametrize("version", [0, 999])
def test_another_version(root: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(manifests, "VERSION", version)
        opened(root).rebuild()
    found = report("index", cwd=root)
    assert str(version) in found["notes"][0]
    assert found["read"] == 7
    assert "notes" not in report("index", cwd=root)


def test_the_command_tells_people_and_programs(root: Path) -> None:
    for words in (["esearch", "gamma"], ["index"]):
        for as_json in (False, True):
            files_of(root)[0].write_bytes(b"damaged")
            done = dspy_agent(*words, *(["--json"] if as_json else []), cwd=root)
            assert done.returncode == 0
            if as_json:
                assert "built anew" in json.loads(done.stdout)["notes"][0]
            else:
                assert "built anew" in done.stderr
                assert "built anew" not in done.stdout


@pytest.mark.parametrize("path", ["../outside.py", "/etc/passwd", "a/../../outside.py", "m0\0.py"])
def test_an_index_that_names_files_elsewhere(root: Path, path: str) -> None:
    """As one may that comes with a repository."""
    (root.parent / "outside.py").write_text("def omega(): pass\n")
    index = opened(root)
    index.update()
    state = index.manifest.files["m0.py"]._replace(mtime=5)
    hostile = replace(index.manifest, files={path: state})
    files_of(root)[0].write_bytes(b"".join(pack(*manifests.encode(hostile))))
    index = opened(root)
    index.update()
    assert index.notes
    assert answers(index, ("omega",)) == {"omega": []}


def test_hits_show_nothing_from_outside(root: Path) -> None:
    (root.parent / "outside").mkdir()
    (root.parent / "outside" / "a.py").write_text("secret\n")
    (root / "link").symlink_to(root.parent / "outside")
    (root / "a.py").symlink_to(root.parent / "outside" / "a.py")
    for path in ("link/a.py", "a.py", "../outside/a.py"):
        assert Lines(root).of(path) == []


def test_an_index_folder_that_is_a_symlink_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(tmp_path / "root")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "segment-mine").write_text("keep")
    (root / ".dspy_index").symlink_to(tmp_path / "other")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert index_folder(root.resolve()).is_relative_to(tmp_path / "home")
    assert found_paths("alpha_3", root) == ["m3.py", *found_paths("alpha_3", root)[1:]]
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["segment-mine"]


@pytest.mark.parametrize("what", ["file", "read-only"])
def test_a_workspace_that_can_not_hold_it(tmp_path: Path, what: str) -> None:
    """The index goes to the user's own state."""
    root = tree(tmp_path / "root")
    home = tmp_path / "home"
    before: tuple[str, ...] = ()
    if what == "file":
        (root / ".dspy_index").write_text("")
    else:
        root.chmod(0o555)
        if os.geteuid() == 0:  # permissions mean nothing to root, unless it gives up some of its powers
            before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    for read in (6, 0):
        done = dspy_agent("index", "--json", cwd=root, before=before, HOME=str(home))
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert (found["files"], found["read"] if read else 0, found.get("notes")) == (6, read, None)
        assert home in (root / found["folder"]).resolve().parents


@pytest.fixture(params=["limit of file sizes", "small disk"])
def full_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., dict[str, object]]]:
    """Runs a command whose index finds no room."""
    place = tmp_path / "disk"
    place.mkdir()
    small = request.param == "small disk"
    if (
        small
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system can be mounted here")

    def limit() -> None:
        if not small:
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))

    def run(*words: str, cwd: Path) -> dict[str, object]:
        done = subprocess.run(
            [*PROGRAM, *words, "--json"],
            cwd=cwd,
            env=environment(DSPY_AGENT_INDEX_DIR=str(place / "index")),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit,
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        found: dict[str, object] = json.loads(done.stdout)
        return found

    try:
        yield run
    finally:
        if small:
            subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(tmp_path: Path, full_disk: Callable[..., dict[str, object]]) -> None:
    root = tree(tmp_path / "root")
    for number in range(60):
        (root / f"more{number}.py").write_text(f"def delta_{number}(): return 'epsilon{number}'\n")
    for _ in range(2):
        found = full_disk("esearch", "delta_33", cwd=root)
        assert found["hits"][0]["path"] == "more33.py"  # type: ignore[index]
        assert "can't be saved" in found["notes"][0]  # type: ignore[index]
    assert found_paths("delta_33", root)[0] == "more33.py"  # where there is room


def test_what_is_there_is_used_where_nothing_can_be_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (root / "m0.py").write_text("def delta_value(): pass\n")
    (root / "m1.py").unlink()
    before = [path.read_bytes() for path in files_of(root)]
    monkeypatch.setattr(folders, "write_atomic", refuse)
    index = opened(root)
    done = index.update()
    assert done
    assert (done.read, done.gone) == (1, 1)
    assert "no space left" in index.notes[0]
    assert_current(index)
    (root / "m2.py").unlink()
    index.update_files(["m2.py"])
    assert_current(index)
    assert [path.read_bytes() for path in files_of(root)] == before
    index.rebuild()
    assert_current(index)


def test_a_workspace_that_is_removed_stays_removed(root: Path) -> None:
    index = opened(root)
    index.update()
    shutil.rmtree(root)
    index.update()
    assert listed(index) == set()
    assert index.notes
    assert not root.exists()


def test_the_program_still_answers_without_a_home(tmp_path: Path) -> None:
    root = tree(tmp_path / "root")
    (root / ".dspy_index").write_text("")
    found = report("esearch", "alpha_3", cwd=root, HOME="/proc/nowhere")
    assert found["hits"][0]["path"] == "m3.py"
    assert "can't be saved" in found["notes"][0]
