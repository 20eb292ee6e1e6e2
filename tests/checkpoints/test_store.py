"""Proposals and checkpoints: what lands, what is refused, and what comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dspy_agent
import dspy_agent_core
from dspy_agent.checkpoints import store as stores
from dspy_agent.checkpoints.store import Store
from dspy_agent.checkpoints.tree import MAX_FILE_BYTES
from dspy_agent.sandbox.run import run_sandboxed
from dspy_agent.workspace.walk import walk
from dspy_agent_core.errors import AgentError
from tests.checkpoints.kit import files_of, folders_of


def refused(code: str) -> Any:
    return pytest.raises(AgentError, check=lambda error: error.code == code and bool(error.next))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text("one = 1\n")
    return folder


def land(root: Path, **changes: bytes | None) -> int:
    Store(root).propose({name.replace("_", "."): data for name, data in changes.items()}, {})
    return Store(root).apply().id


def test_a_proposal_changes_nothing_until_it_is_applied(root: Path) -> None:
    proposal = Store(root).propose({"a.py": b"one = 2\n", "b.py": b"two = 2\n"}, {"task": "more"})
    assert [(file.path, file.added, file.removed) for file in proposal.files] == [
        ("a.py", 1, 1),
        ("b.py", 1, 0),
    ]
    assert set(files_of(root)) == {"a.py"}
    assert Store(root).pending() == proposal
    assert Store(root).apply().about == {"task": "more"}
    assert (root / "b.py").read_bytes() == b"two = 2\n"
    assert Store(root).pending() is None
    with refused("NothingProposed"):
        Store(root).apply()


def test_only_a_proposal_makes_the_store(root: Path) -> None:
    assert Store(root).pending() is None
    assert Store(root).checkpoints() == []
    with refused("NothingProposed"):
        Store(root).apply()
    with refused("NothingToUndo"):
        Store(root).undo()
    with refused("UnknownCheckpoint"):
        Store(root).undo(1)
    assert [path.name for path in root.iterdir()] == ["a.py"]


def test_a_read_only_workspace_says_so(root: Path) -> None:
    for package in (dspy_agent, dspy_agent_core):  # where they lie may be hidden in the sandbox
        shutil.copytree(Path(package.__file__).parent, root / "lib" / package.__name__)
    program = (
        "import sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[1] + '/lib')\n"
        "from dspy_agent.checkpoints.store import Store; from dspy_agent_core.errors import AgentError\n"
        "try: Store(Path(sys.argv[1])).propose({'a.py': b'x'}, {})\n"
        "except AgentError as error: print(error.code, error.message)"
    )
    ran = run_sandboxed([sys.executable, "-c", program, str(root)], workspace=root, cwd=root, seconds=60)
    assert ran.output.startswith("StoreUnusable ")
    assert "read-only" in ran.output or "permission denied" in ran.output


def test_a_new_proposal_takes_the_place_of_the_one_before(root: Path) -> None:
    Store(root).propose({"a.py": b"first\n"}, {})
    Store(root).propose({"b.py": b"second\n"}, {})
    Store(root).apply()
    assert files_of(root)["a.py"][0] == b"one = 1\n"
    assert not Store(root).propose({"a.py": b"one = 1\n"}, {})
    assert Store(root).pending() is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no newline",
        b"dos\r\nlines\r\n",
        b"\xef\xbb\xbfmark\n",
        b"latin \xe9\n",
        b"nul \0 byte",
        b"\n\n",
    ],
)
def test_bytes_come_back_as_they_were(root: Path, data: bytes) -> None:
    (root / "a.py").write_bytes(data)
    land(root, a_py=b"one = 2\n")
    Store(root).undo()
    assert (root / "a.py").read_bytes() == data
    land(root, a_py=data + b"more")
    assert (root / "a.py").read_bytes() == data + b"more"


def test_permissions_and_folders_come_back(root: Path) -> None:
    (root / "a.py").chmod(0o751)
    land(root, a_py=b"one = 2\n")
    assert (root / "a.py").stat().st_mode & 0o777 == 0o751
    Store(root).propose({"a.py": None, "x/y/z.py": b"deep\n", "x/w.py": b"\n"}, {})
    Store(root).apply()
    assert folders_of(root) == {"x", "x/y"}
    Store(root).undo()
    assert folders_of(root) == set()
    assert (root / "a.py").stat().st_mode & 0o777 == 0o751


def test_a_folder_that_holds_something_else_by_now_stays(root: Path) -> None:
    Store(root).propose({"x/new.py": b"\n"}, {})
    Store(root).apply()
    (root / "x" / "mine.txt").write_text("mine")
    Store(root).undo()
    assert set(files_of(root)) == {"a.py", "x/mine.txt"}


def test_undo_goes_back_step_by_step_and_forth_again(root: Path) -> None:
    contents = [b"one = %d\n" % number for number in range(2, 6)]
    for data in contents:
        land(root, a_py=data)
    for data in [*reversed(contents[:-1]), b"one = 1\n"]:
        Store(root).undo()
        assert (root / "a.py").read_bytes() == data
    with refused("NothingToUndo"):
        Store(root).undo()
    last = Store(root).checkpoints()[-1]
    Store(root).undo(last.id)
    assert (root / "a.py").read_bytes() == b"one = 2\n"
    with refused("AlreadyUndone"):
        Store(root).undo(last.id)
    Store(root).undo()
    assert (root / "a.py").read_bytes() == b"one = 1\n"
    with refused("UnknownCheckpoint"):
        Store(root).undo(99)


def test_what_changed_meanwhile_is_not_overwritten(root: Path) -> None:
    Store(root).propose({"a.py": b"one = 2\n", "b.py": b"new\n"}, {})
    (root / "a.py").write_text("mine\n")
    with refused("Conflict"):
        Store(root).apply()
    assert files_of(root) == {"a.py": (b"mine\n", 0o644)}
    first = land(root, a_py=b"one = 2\n")
    second = land(root, a_py=b"one = 3\n")
    with pytest.raises(AgentError, match=f"since checkpoint {first}") as told:
        Store(root).undo(first)
    assert told.value.next.endswith(f"dspy-agent undo {second}")
    (root / "a.py").unlink()
    with refused("Conflict"):
        Store(root).undo()
    assert files_of(root) == {}


@pytest.mark.parametrize(
    "path", ["../a", "/etc/passwd", "x/../../a", "", "a\0b", ".git/config", "x/.GIT/hooks/pre-commit",
             ".dspy_checkpoints/lock", ".dspy_rl.json", ".ssh/authorized_keys", ".", "./"]
)  # fmt: skip
def test_paths_that_no_edit_may_touch(root: Path, path: str) -> None:
    with pytest.raises(AgentError):
        Store(root).propose({path: b"x"}, {})
    assert Store(root).pending() is None


def test_symlinks_are_never_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root / "link").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    for path in ("link", "folder/secret", "folder/new"):
        with refused("NotAPlainFile"):
            Store(root).propose({path: b"x"}, {})
    Store(root).propose({"sub/new.py": b"x"}, {})
    (root / "sub").symlink_to(outside)
    with pytest.raises(AgentError):
        Store(root).apply()
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_pipes_and_folders_are_no_files(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    for path in ("pipe", "folder"):
        with refused("NotAPlainFile"):
            Store(root).propose({path: b"x"}, {})


def test_a_store_that_leads_elsewhere_is_not_used(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / ".dspy_checkpoints").symlink_to(tmp_path / "elsewhere")
    with refused("StoreUnusable"):
        Store(root).propose({"a.py": b"x"}, {})
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_sizes_are_capped(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused("FileTooLarge"):
        Store(root).propose({"a.py": b"x" * (MAX_FILE_BYTES + 1)}, {})
    with refused("ChangeTooLarge"):
        Store(root).propose({f"f{number}": b"x" for number in range(stores.MAX_FILES + 1)}, {})
    monkeypatch.setattr(stores, "MAX_TOTAL_BYTES", 10)
    with refused("ChangeTooLarge"):
        Store(root).propose({"a.py": b"x" * 11}, {})


def test_old_checkpoints_and_their_contents_are_forgotten(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "KEPT_CHECKPOINTS", 3)
    for number in range(2, 8):
        land(root, a_py=b"one = %d\n" % number)
    assert [item.id for item in Store(root).checkpoints()] == [4, 5, 6]
    kept = [path for path in (root / ".dspy_checkpoints" / "blobs").rglob("*") if path.is_file()]
    assert len(kept) == 4
    Store(root).undo()
    monkeypatch.setattr(stores, "KEPT_BYTES", 0)
    last = land(root, a_py=b"last\n")
    assert [item.id for item in Store(root).checkpoints()] == [last]
    Store(root).undo()
    assert (root / "a.py").read_bytes() == b"one = 6\n"


def test_damage_is_told_and_passed_over(root: Path) -> None:
    for number in (2, 3):
        land(root, a_py=b"one = %d\n" % number)
    store = root / ".dspy_checkpoints"
    (store / "records" / "1.json").write_text('{"format": 1')
    assert [item.id for item in Store(root).checkpoints()] == [2]
    for blob in (store / "blobs").rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"rubbish")
    with refused("CheckpointDamaged"):
        Store(root).read(Store(root).checkpoints()[0].files[0].before)
    with refused("WriteFailed"):
        Store(root).undo()
    assert (root / "a.py").read_bytes() == b"one = 3\n"
    (store / "proposal.json").write_text("[1, 2]")
    assert Store(root).pending() is None
    (store / "journal.json").write_text("[1, 2]")
    with refused("JournalDamaged"):
        Store(root).apply()


def test_a_content_that_was_damaged_is_kept_anew(root: Path) -> None:
    Store(root).propose({"a.py": b"one = 2\n"}, {})
    for blob in (root / ".dspy_checkpoints" / "blobs").rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"rubbish")
    land(root, a_py=b"one = 2\n")
    Store(root).undo()
    assert (root / "a.py").read_bytes() == b"one = 1\n"


def test_a_write_that_fails_leaves_all_as_it_was(root: Path) -> None:
    """The disk is full, as far as this process knows, in the middle of an apply."""
    Store(root).propose({"a.py": b"one = 2\n", "z.bin": os.urandom(2 << 20)}, {})
    before = files_of(root)
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from dspy_agent.checkpoints.store import Store; from dspy_agent_core.errors import AgentError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try: Store(Path(sys.argv[1])).apply()\n"
        "except AgentError as error: print(error.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "WriteFailed\n"
    assert files_of(root) == before
    Store(root).apply()
    assert (root / "a.py").read_bytes() == b"one = 2\n"


def test_somebody_elses_edit_survives_a_roll_back(root: Path) -> None:
    Store(root).propose({"a.py": b"one = 2\n", "b.py": b"new\n"}, {})
    landed = Store(root).apply()
    store = root / ".dspy_checkpoints"
    record = store / "records" / f"{landed.id}.json"
    record.rename(store / "journal.json")  # as if it had been killed right before it was done
    (root / "a.py").write_text("mine\n")
    opened = Store(root)
    assert opened.checkpoints() == []
    assert files_of(root) == {"a.py": (b"mine\n", 0o644)}
    assert "a.py" in opened.notes[-1]


def test_one_writer_at_a_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "_PATIENCE_SECONDS", 0.05)
    Store(root).propose({"a.py": b"one = 2\n"}, {})
    holder = (
        "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    lock = root / ".dspy_checkpoints" / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdin
        assert other.stdout.readline() == b"held\n"
        with refused("Busy"):
            Store(root).apply()
        assert Store(root).pending()
        other.stdin.close()
    Store(root).apply()


def test_the_store_is_hidden_from_git_and_from_the_walk(root: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    Store(root).propose({"a.py": b"one = 2\n"}, {})
    status = subprocess.run(
        ["git", "status", "--short"], cwd=root, check=True, capture_output=True, text=True
    )
    assert status.stdout == "?? a.py\n"
    assert [entry.name for entry in walk(str(root), base=str(root))] == ["a.py"]
