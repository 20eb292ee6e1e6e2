"""The policy's state is the fold of the event log, whatever happens to its files."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dspy_agent.learning.background import learning_kept, unsaved_lines
from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.policy_state import ASIDE_NAME, STATE_NAME, open_policy, reset
from dspy_agent.learning.prior_file import PRIOR_NAME, export_prior, import_prior
from dspy_agent_core.bandit.prior import Prior
from dspy_agent_core.contracts.messages import LearningEvent
from dspy_agent_core.errors import WorkspaceError
from tests.learning.policy_kit import decision, folded, outcome, snapshot, told, workspace_at
from tests.support.kafka import until

LATER = b'{"schema_version":99,"digest":"%s","state":{"all":"new"}}'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return workspace_at(tmp_path / "shop")


@pytest.fixture
def said() -> list[str]:
    return []


def some(count: int, start: int = 0) -> list[LearningEvent]:
    found: list[LearningEvent] = []
    for number in range(start, start + count):
        found.append(decision(f"d{number}", seconds=number))
        found.append(outcome(f"d{number}", "opened", 0.5, seconds=number))
    return found


def test_what_one_learns_another_sees_without_being_told(workspace: Path, said: list[str]) -> None:
    one, other = open_policy(workspace, said.append), open_policy(workspace, said.append)
    told(workspace, decision("a"), outcome("a", "opened", 1.0))
    assert one.learner.decisions == other.learner.decisions == 1
    assert one.save()
    told(workspace, decision("b", "esearch"))
    assert other.learner.decisions == 2
    assert other.learner.encode() == open_policy(workspace, said.append).learner.encode() == folded(workspace)
    assert said == []


def test_a_snapshot_is_written_once_for_what_it_holds(workspace: Path, said: list[str]) -> None:
    told(workspace, decision("a"))
    assert snapshot(workspace, said.append)
    before = (workspace / STATE_NAME).stat()
    assert not snapshot(workspace, said.append)
    assert (workspace / STATE_NAME).stat() == before
    assert json.loads((workspace / STATE_NAME).read_bytes())["schema_version"] == 1


def test_an_older_fold_never_replaces_a_newer_one(workspace: Path, said: list[str]) -> None:
    told(workspace, decision("a"))
    slow = open_policy(workspace, said.append)
    told(workspace, decision("b"))
    assert snapshot(workspace, said.append)
    written = (workspace / STATE_NAME).read_bytes()
    assert not slow.save()
    assert (workspace / STATE_NAME).read_bytes() == written


def test_a_state_with_any_byte_damaged_is_set_aside_and_made_anew(workspace: Path) -> None:
    told(workspace, *some(3))
    assert snapshot(workspace)
    good = (workspace / STATE_NAME).read_bytes()
    for place in (0, 18, 30, 60, len(good) // 3, len(good) // 2, len(good) - 3, None):
        said: list[str] = []
        bad = b"" if place is None else good[:place] + bytes([good[place] ^ 0x11]) + good[place + 1 :]
        (workspace / STATE_NAME).write_bytes(bad)
        policies = open_policy(workspace, said.append)
        assert policies.learner.encode() == folded(workspace)
        assert [sentence for sentence in said if "is damaged" in sentence] == said
        assert len(said) == 1
        assert policies.save()
        assert (workspace / ASIDE_NAME).read_bytes() == bad
        assert (workspace / STATE_NAME).read_bytes() == good


def test_a_later_versions_state_is_refused_and_never_overwritten(workspace: Path, said: list[str]) -> None:
    import hashlib

    digest = hashlib.blake2b(b'99\n{"all":"new"}', digest_size=16).hexdigest().encode()
    (workspace / STATE_NAME).write_bytes(LATER % digest)
    told(workspace, decision("a"))
    policies = open_policy(workspace, said.append)
    assert policies.learner.decisions == 1
    assert policies.newer is not None
    with pytest.raises(WorkspaceError, match="later version") as refused:
        policies.save()
    assert "rl reset" in refused.value.next
    assert len(said) == 1
    assert (workspace / STATE_NAME).read_bytes() == LATER % digest
    assert not (workspace / ASIDE_NAME).exists()


def test_a_log_that_was_cut_or_replaced_is_learned_anew(workspace: Path, said: list[str]) -> None:
    told(workspace, *some(40))
    assert snapshot(workspace)
    running = open_policy(workspace, said.append)
    log = workspace / LOG_NAME
    whole = log.read_bytes()
    log.write_bytes(whole[: len(whole) // 2])
    assert (
        running.learner.encode() == open_policy(workspace, said.append).learner.encode() == folded(workspace)
    )
    log.write_bytes(whole[len(whole) // 2 :])
    assert (
        running.learner.encode() == open_policy(workspace, said.append).learner.encode() == folded(workspace)
    )
    assert {sentence.split(":")[0] for sentence in said} == {"The event log is another one than before"}
    assert running.save()
    assert (workspace / ASIDE_NAME).exists()
    log.unlink()
    assert running.learner.decisions == 0


def test_a_copied_workspace_knows_its_state(workspace: Path, said: list[str], tmp_path: Path) -> None:
    told(workspace, decision("a"))
    assert snapshot(workspace)
    copy = workspace_at(tmp_path / "copy")
    for name in (STATE_NAME, LOG_NAME):
        (copy / name).write_bytes((workspace / name).read_bytes())
    assert open_policy(copy, said.append).unsaved == 0
    assert said == []


def test_damaged_lines_and_a_clock_that_goes_back_are_lived_with(workspace: Path, said: list[str]) -> None:
    told(workspace, decision("a", seconds=5000))
    with (workspace / LOG_NAME).open("ab") as log:
        log.write(b"\xff{}\n" + b"x" * 200_000 + b'\n{"schema_version":2}\n{"schema_version":1,"id":"torn')
    policies = open_policy(workspace, said.append)
    assert policies.save()
    told(workspace, decision("b", seconds=10), outcome("b", "opened", 1.0, seconds=3))
    assert policies.learner.decisions == 2
    assert (
        open_policy(workspace, said.append).learner.encode() == policies.learner.encode() == folded(workspace)
    )
    assert said == []


def test_two_writers_at_once(workspace: Path) -> None:
    told(workspace, decision("a"))
    policies = open_policy(workspace)
    with (workspace / ".dspy_index" / "policy.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError):
            policies.save()
    assert policies.save()


def test_a_full_disk_leaves_the_old_state(workspace: Path) -> None:
    told(workspace, decision("a"))
    assert snapshot(workspace)
    before = (workspace / STATE_NAME).read_bytes()
    told(workspace, decision("b"))
    code = (
        "import sys; from pathlib import Path; from dspy_agent.learning.policy_state import Policies\n"
        "try: Policies(Path(sys.argv[1]), print).save()\n"
        "except OSError as error: print(error.strerror)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace)],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert done.stdout == "File too large\n", done.stderr
    assert (workspace / STATE_NAME).read_bytes() == before
    assert sorted(path.name for path in workspace.iterdir()) == [".dspy_index", LOG_NAME, STATE_NAME]


@pytest.mark.parametrize("spoil", ["folder", "pipe", "link"])
def test_a_state_that_is_no_file_stops_nothing(workspace: Path, said: list[str], spoil: str) -> None:
    path = workspace / STATE_NAME
    if spoil == "folder":
        path.mkdir()
    elif spoil == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(workspace / "elsewhere")
        (workspace / "elsewhere").write_bytes(b"mine")
    told(workspace, decision("a"))
    policies = open_policy(workspace, said.append)
    assert policies.learner.decisions == 1
    assert len(said) == 1
    assert policies.save()
    assert not path.is_symlink()
    assert open_policy(workspace).unsaved == 0
    if spoil == "link":
        assert (workspace / "elsewhere").read_bytes() == b"mine"


def test_without_an_index_nothing_is_written(tmp_path: Path, said: list[str]) -> None:
    policies = open_policy(tmp_path, said.append)
    assert policies.learner.decisions == 0
    assert not policies.save()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".dspy_index").mkdir()
    told(tmp_path, decision("b"))
    assert policies.learner.decisions == 1
    assert policies.save()
    assert policies.learner.encode() == open_policy(tmp_path).learner.encode() == folded(tmp_path)


def test_a_team_shares_a_prior_by_a_file(workspace: Path, said: list[str], tmp_path: Path) -> None:
    told(workspace, decision("a", reward=0.5))
    policies = open_policy(workspace, said.append)
    assert policies.save()
    shared = Prior.flat(["f0", "f1"], ["grep"], strength=7.0)
    export_prior(shared, tmp_path / "team.json")
    before = policies.learner.encode()
    import_prior(workspace, tmp_path / "team.json")
    assert policies.learner.arms.prior.encode() == shared.encode()
    assert (
        policies.learner.encode() == open_policy(workspace, said.append).learner.encode() == folded(workspace)
    )
    assert policies.learner.encode() != before
    assert policies.save()
    (workspace / PRIOR_NAME).unlink()
    assert policies.learner.encode() == before
    assert said == []


def test_a_snapshot_of_a_version_that_learned_otherwise_is_made_anew(
    workspace: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(workspace, decision("a", reward=0.5))
    with monkeypatch.context() as older:
        older.setattr("dspy_agent.learning.fold_print._learned", lambda: b"otherwise")
        assert snapshot(workspace)
    policies = open_policy(workspace, said.append)
    assert policies.unsaved == 1
    assert policies.save()
    assert open_policy(workspace, said.append).unsaved == 0
    assert said == []


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema_version":2}', b"\xff" * 100])
def test_a_prior_that_is_none_is_passed_over(workspace: Path, said: list[str], content: bytes) -> None:
    (workspace / PRIOR_NAME).write_bytes(content)
    told(workspace, decision("a"))
    assert open_policy(workspace, said.append).learner.decisions == 1
    assert [sentence.startswith(f"{PRIOR_NAME} is not used: ") for sentence in said] == [True]
    with pytest.raises(WorkspaceError):
        import_prior(workspace, workspace / PRIOR_NAME)


def test_a_reset_sets_aside(workspace: Path, said: list[str]) -> None:
    told(workspace, decision("a"))
    assert snapshot(workspace)
    running = open_policy(workspace, said.append)
    assert reset(workspace) == [STATE_NAME, LOG_NAME]
    assert running.learner.decisions == 0
    assert (workspace / f"{LOG_NAME}.aside").exists()
    assert reset(workspace) == []


def test_a_session_snapshots_in_the_background(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RL_BACKGROUND_STEPS", "4")
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    (workspace / ".dspy_index").rmdir()
    with learning_kept(workspace):
        (workspace / ".dspy_index").mkdir()
        told(workspace, *some(1))
        assert unsaved_lines(workspace, 4) == 2
        told(workspace, *some(1, 1))
        until((workspace / STATE_NAME).exists, "no snapshot is made")
    assert open_policy(workspace).unsaved == 0


def test_who_had_much_to_learn_makes_a_snapshot(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RL_BACKGROUND_STEPS", "4")
    told(workspace, *some(1))
    assert open_policy(workspace).unsaved == 2
    told(workspace, *some(1, 1))
    assert open_policy(workspace).unsaved == 0
    told(workspace, *some(1, 2))
    assert open_policy(workspace).unsaved == 2


def test_git_is_not_told_of_the_state(workspace: Path) -> None:
    subprocess.run(["git", "init", "-q", str(workspace)], check=True, timeout=60)
    told(workspace, decision("a"))
    assert snapshot(workspace)
    excluded = (workspace / ".git/info/exclude").read_text().splitlines()
    assert STATE_NAME in excluded
