"""An index brought up to date in steps answers as one made anew from what is there in the end."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dspy_agent.index import update
from dspy_agent.index.extract import extract
from tests.index.kit import anew, answers, assert_current, listed, opened, wait_until

WORDS = ("alpha", "beta", "gamma", "delta_value", "parseDate", "Shape")
NAMES = st.sampled_from(("a.py", "b.py", "c.md", "d.txt", "e.js", "gamma.py"))
FOLDERS = st.sampled_from(("", "one", "two", "one/deep", "one/deep/er", "skip"))
RULES = st.sampled_from(("", "*.md\n", "skip/\n", "one/*\n!one/deep\n", "/a.py\n", "deep\n", "!.gitignore\n"))


def source(name: str, words: list[str]) -> str:
    if name.endswith(".py"):
        return "".join(
            f'def {word}_{n}(x):\n    """{word} of x."""\n    return x\n' for n, word in enumerate(words)
        )
    return "".join(f"# {word}\n\nreadme notes about {word}\n" for word in words)


class Edits(RuleBasedStateMachine):
    """Edits of a tree, with the index brought up to date now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)).resolve()
        (self.root / ".git").mkdir()
        self.index = opened(self.root)
        self.changed: set[str] = set()
        self.clock = 0  # if above 0, all seems to have been done some time ago
        self.times: dict[Path, int] = {}

    @initialize(racy=st.booleans())
    def begin(self, racy: bool) -> None:
        self.clock = 0 if racy else 10**18

    def note(self, path: Path) -> None:
        """Say that ``path`` changed, and make the time stamps old, never twice the same."""
        self.changed.add(os.path.relpath(path, self.root))
        if not self.clock:
            return
        for folder, folders, files in os.walk(self.root):
            for name in (".", *folders, *files):
                one = Path(folder, name)
                mtime = one.lstat().st_mtime_ns
                if mtime != self.times.get(one):
                    self.clock += 10**9
                    self.times[one] = self.clock
                    os.utime(one, ns=(self.clock, self.clock), follow_symlinks=False)

    @rule(folder=FOLDERS, name=NAMES, words=st.lists(st.sampled_from(WORDS), max_size=4))
    def write(self, folder: str, name: str, words: list[str]) -> None:
        path = self.root / folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink() or path.is_fifo():
                path.unlink()
            path.write_text(source(name, words))
        except OSError:
            return
        self.note(path)

    @rule(folder=FOLDERS, rules=RULES)
    def ignore(self, folder: str, rules: str) -> None:
        path = self.root / folder / ".gitignore"
        if path.parent.is_dir():
            path.write_text(rules)
            self.note(path)

    @rule(folder=FOLDERS)
    def stop_ignoring(self, folder: str) -> None:
        path = self.root / folder / ".gitignore"
        if path.exists():
            path.unlink()
            self.note(path)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        path = self.some(data)
        if path is None:
            return
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        self.note(path)

    @rule(data=st.data(), folder=FOLDERS, name=st.sampled_from(("one", "two", "a.py", "moved", "c.md")))
    def rename(self, data: st.DataObject, folder: str, name: str) -> None:
        path, target = self.some(data), self.root / folder / name
        if path is None:
            return
        try:
            path.rename(target)
        except OSError:
            return
        self.note(path)
        self.note(target)

    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        path = self.some(data)
        if path is not None and path.exists():
            path.touch()
            self.note(path)

    @rule(data=st.data(), kind=st.sampled_from(("symlink", "pipe", "folder", "binary")))
    def replace(self, data: st.DataObject, kind: str) -> None:
        path = self.some(data)
        if path is None or path.is_dir():
            return
        path.unlink()
        if kind == "symlink":
            path.symlink_to("/nonexistent/alpha.py")
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
            (path / "b.py").write_text(source("b.py", ["alpha"]))
        else:
            path.write_bytes(b"alpha\0beta")
        self.note(path)

    def some(self, data: st.DataObject) -> Path | None:
        found = sorted(
            path
            for path in self.root.rglob("*")
            if not path.relative_to(self.root).parts[0].startswith(".") and path.name != ".gitignore"
        )
        return data.draw(st.sampled_from(found)) if found else None

    @rule()
    def update(self) -> None:
        self.index.update()
        self.changed.clear()
        assert_current(self.index)

    @rule()
    def update_thoroughly(self) -> None:
        self.index.update(thorough=True)
        self.changed.clear()
        assert_current(self.index)

    @rule()
    def update_what_changed(self) -> None:
        self.index.update_files(sorted(self.changed))
        self.changed.clear()
        assert_current(self.index)

    @rule()
    def other_process(self) -> None:
        self.index = opened(self.root)

    @rule()
    def rebuild(self) -> None:
        self.index.rebuild()
        self.changed.clear()
        assert_current(self.index)

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert self.index.notes == []

    def teardown(self) -> None:
        self.index.update()
        assert_current(self.index)
        shutil.rmtree(self.root)


class SmallSegments(Edits):
    """The same, with segments so small that they are merged all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(update, "_SMALL_SEGMENTS", 1)

    def teardown(self) -> None:
        self.patch.undo()
        super().teardown()


SETTINGS = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEdits = Edits.TestCase
TestEdits.settings = SETTINGS
TestSmallSegments = SmallSegments.TestCase
TestSmallSegments.settings = SETTINGS


def test_many_updates_make_few_segments(tmp_path: Path) -> None:
    index = opened(tmp_path)
    for number in range(40):
        (tmp_path / f"m{number}.py").write_text(source("a.py", list(WORDS)))
        index.update()
    assert len(index.manifest.segments) <= 10
    assert_current(index)
    kept = {path.name for path in (tmp_path / ".dspy_index").iterdir() if path.name.startswith("segment-")}
    assert kept == set(index.manifest.segments)


def test_a_write_within_the_clocks_tick_is_seen(tmp_path: Path) -> None:
    index = opened(tmp_path)
    path = tmp_path / "a.py"
    for word in ("alpha", "gamma", "omega"):  # of one length; the times are put back
        path.write_text(f"{word} = 1\n")
        os.utime(path, ns=(10**18, 10**18))
        index.update()
        assert list(answers(index, (word,))[word])


def test_times_put_back(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("alpha = 1\n")
    os.utime(path, ns=(10**18, 10**18))
    index = opened(tmp_path)
    index.update()
    path.write_text("gamma = 1\n")
    os.utime(path, ns=(10**18, 10**18))
    index.update()
    assert_current(index)


def test_another_process_built_it_anew(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def alpha(): pass\n")
    reader, writer = opened(tmp_path), opened(tmp_path)
    reader.update()
    (tmp_path / "a.py").write_text("def beta(): pass\n")
    writer.rebuild()
    assert reader.open()
    assert answers(reader) == answers(anew(tmp_path))


def make_old(*paths: Path) -> None:
    for path in paths:
        os.utime(path, ns=(10**18, 10**18))


def test_the_rules_of_a_folder_above_count(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    root = tmp_path / "sub"
    root.mkdir()
    (root / "a.py").write_text("def alpha(): pass\n")
    (root / "b.py").write_text("def beta(): pass\n")
    index = opened(root)
    index.update()
    make_old(root)
    index.update()
    assert listed(index) == {"a.py", "b.py"}
    (tmp_path / ".gitignore").write_text("a.py\n")
    index.update()
    assert listed(index) == {"b.py"}
    (tmp_path / ".gitignore").unlink()
    index.update()
    assert listed(index) == {"a.py", "b.py"}


def test_a_gitignore_that_is_kept_itself_counts_for_a_watcher(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("!.gitignore\n")
    (tmp_path / "a.py").write_text("def alpha(): pass\n")
    index = opened(tmp_path)
    index.update()
    assert ".gitignore" in index.manifest.files
    (tmp_path / ".gitignore").write_text("!.gitignore\na.py\n")
    index.update_files([".gitignore"])
    assert "a.py" not in index.manifest.files


def test_the_index_itself_is_never_indexed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("!.*\n!*\n")
    (tmp_path / "a.py").write_text("def alpha(): pass\n")
    index = opened(tmp_path)
    for _ in range(2):
        index.update()
        assert not [path for path in index.manifest.files if path.startswith((".dspy_index", ".git/"))]
        assert not [path for path in index.manifest.folders if path.startswith((".dspy_index", ".git/"))]


def test_what_becomes_readable_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dspy_agent.index import extract
    from dspy_agent.workspace import walk

    for folder in ("", "locked"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "a.py").write_text("def alpha(): pass\n")
        (tmp_path / folder / "b.py").write_text("def beta(): pass\n")
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.utime(path, ns=(10**18, 10**18))
    real_open, real_scan = extract.open_regular, os.scandir

    def open_some(path: str, **options: bool) -> object:
        if path == str(tmp_path / "a.py"):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, **options)

    def scan_some(path: str) -> object:
        if path == str(tmp_path / "locked"):
            raise PermissionError(13, "Permission denied", path)
        return real_scan(path)

    index = opened(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(extract, "open_regular", open_some)
        patch.setattr(walk.os, "scandir", scan_some)
        done = index.update()
        assert done
        assert done.left_out == 1
        assert listed(index) == {"b.py"}
        wait_until(lambda: not index.update())  # nothing changed: nothing to tell
    index.update()
    assert listed(index) == {"a.py", "b.py", "locked/a.py", "locked/b.py"}


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe", "symlink above"])
def test_what_is_no_file_any_more_is_not_read(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.py").write_text("def omega(): pass\n")
    path = root / "d" / "a.py"
    path.write_text("def alpha(): pass\n")
    index = opened(root)
    index.update()
    path.unlink()
    if kind == "symlink":
        path.symlink_to(tmp_path / "outside" / "a.py")
    elif kind == "symlink above":
        path.parent.rmdir()
        path.parent.symlink_to(tmp_path / "outside")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    index.update_files(["d/a.py"])
    assert answers(index, ("alpha omega",)) == {"alpha omega": []}
    path.parent.unlink() if kind == "symlink above" else path.rmdir() if kind == "folder" else path.unlink()
    path.parent.mkdir(exist_ok=True)
    path.write_text("def beta(): pass\n")
    index.update_files(["d/a.py"])
    assert [hit[1] for hit in answers(index, ("beta",))["beta"]] == ["d/a.py"]


def test_a_file_replaced_by_a_symlink_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("def omega(): pass\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.py").symlink_to(tmp_path / "outside.py")
    found = extract(str(root), [("a.py", 0)])
    assert (found.files, found.left_out) == ([], {"a.py": 0})


def test_files_with_a_time_in_the_future_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def alpha(): pass\n")
    make_old(tmp_path)
    index = opened(tmp_path)
    index.update()
    later = time.time_ns() + 10**15
    os.utime(tmp_path / "a.py", ns=(later, later))
    wait_until(lambda: not index.update())


def test_a_touched_gitignore_is_not_looked_at_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dspy_agent.index import scan

    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.o\n")
    (tmp_path / "a.py").write_text("def alpha(): pass\n")
    index = opened(tmp_path)
    index.update()
    walks = []
    real = scan.walk
    monkeypatch.setattr(scan, "walk", lambda *a, **k: walks.append(a) or real(*a, **k))

    def settled() -> bool:
        before = len(walks)
        opened(tmp_path).update()
        return len(walks) == before

    wait_until(settled)
    (tmp_path / ".gitignore").touch()
    opened(tmp_path).update()
    wait_until(settled)
