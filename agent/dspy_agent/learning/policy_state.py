"""The policy that a workspace has learned: the last snapshot, and what the event log says since.

The log is the truth and the state is its fold, so whoever looks sees the same, whichever process learned it:
nothing here waits for a trainer, and a state file that is lost or damaged is made anew from the log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.exclude import keep_from_git
from dspy_agent.learning.fold_print import fold_print
from dspy_agent.learning.locked import lock_soon
from dspy_agent.learning.log import Reader
from dspy_agent.learning.log_mark import START, LogMark
from dspy_agent.learning.place import learning_folder
from dspy_agent.learning.prior_file import PRIOR_NAME, prior_of
from dspy_agent.learning.state_file import Snapshot
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import WorkspaceError

if TYPE_CHECKING:
    from dspy_agent_core.bandit.learner import Learner
    from dspy_agent_core.bandit.state import StateError

STATE_NAME: Final = ".dspy_rl_state.json"
ASIDE_NAME: Final = f"{STATE_NAME}.aside"
STEPS_VARIABLE: Final = "RL_BACKGROUND_STEPS"
_STEPS: Final = 64
_LOCK: Final = "policy.lock"
_MOST_BYTES: Final = 64 << 20

Identity = tuple[int, int, int]


def tell(text: str) -> None:
    """Tell people, on stderr."""
    sys.stderr.write(f"{text}\n")


def background_steps() -> int:
    """Return after how many events a snapshot is made: RL_BACKGROUND_STEPS."""
    said = os.environ.get(STEPS_VARIABLE, "")
    return max(1, int(said)) if said.isascii() and said.isdigit() else _STEPS


def open_policy(workspace: Path, say: Callable[[str], None] = tell) -> Policies:
    """Return what ``workspace`` has learned. Whatever is wrong with its files, there is an answer.

    Who had to learn RL_BACKGROUND_STEPS events anew for that makes a snapshot, so that nobody has to again.

    Args:
        workspace: the workspace.
        say: takes a sentence for people, where something was wrong.
    """
    policies = Policies(workspace, say)
    if policies.unsaved >= background_steps() and policies.newer is None:
        with suppress(OSError, WorkspaceError):
            policies.save()
    return policies


class Policies:
    """What a workspace has learned, always up to date; for one thread.

    Attributes:
        newer: what to tell where the state file is a later version's: it is never written then.
        unsaved: how many events were learned that the state file does not know.
    """

    def __init__(self, workspace: Path, say: Callable[[str], None]) -> None:
        self._log = workspace / LOG_NAME
        self._path = workspace / STATE_NAME
        self._prior_path = workspace / PRIOR_NAME
        self._workspace = workspace
        self._say = say
        self._said: set[str] = set()
        self.newer: WorkspaceError | None = None
        self.unsaved = 0
        self._damaged = False
        self._mark: LogMark
        self._learner: Learner
        self._start()

    @property
    def learner(self) -> Learner:
        """What was learned so far, by whichever process. Read it; only events change it."""
        self._refresh()
        return self._learner

    def save(self) -> bool:
        """Write the state file, unless it is as far already; return whether it was written.

        Raises:
            WorkspaceError: it is a later version's.
            OSError: it can't be written, or locked.
        """
        folder = learning_folder(self._workspace)
        if folder is None:
            return False
        with _alone(folder):
            self._refresh()
            there = self._read_state()
            if self.newer is not None:
                raise self.newer
            fits = there is not None and there.mark.is_in(self._log)
            if there is not None and fits and self._is_as_far(there):
                self.unsaved = 0
                return False
            if self._damaged or (there is not None and not fits):
                self._path.replace(self._workspace / ASIDE_NAME)
            if not self._path.exists():
                for name in (STATE_NAME, ASIDE_NAME):
                    keep_from_git(self._workspace, name)
            made = Snapshot(self._mark, self._print, self._learner.snapshot())
            write_atomic(self._path, [made.encode()])
            self.unsaved = 0
            return True

    def _start(self) -> None:
        """Begin with the prior and the state file."""
        self._prior_seen = _identity(self._prior_path)
        self._prior = prior_of(self._workspace, self._tell)
        self._print = fold_print(self._prior)
        self._log_seen: Identity | None = None
        self._mark, self._learner = self._load()
        self._refresh()

    def _refresh(self) -> None:
        """Learn what is new in the log; all of it anew if it, or the prior, is another one."""
        if _identity(self._prior_path) != self._prior_seen:
            self._start()
        seen = _identity(self._log)
        if seen == self._log_seen:
            return
        try:
            if not self._mark.is_in(self._log):
                self._tell("The event log is another one than before: what was learned is made anew from it.")
                self._mark, self._learner = START, self._fresh()
            self._fold()
        except OSError as error:
            self._tell(f"The event log can't be read: {(error.strerror or str(error)).lower()}.")
        self._log_seen = seen

    def _fold(self) -> None:
        reader = Reader(self._log, self._mark.offset)
        for event in reader:
            self._learner.apply(event)
            self.unsaved += 1
        self._mark = LogMark.at(self._log, reader.offset) or START

    def _load(self) -> tuple[LogMark, Learner]:
        from dspy_agent_core.bandit.learner import Learner
        from dspy_agent_core.bandit.state import StateError

        there = self._read_state()
        if there is not None and there.start == self._print:
            try:
                return there.mark, Learner.restore(there.learner)
            except StateError as error:
                self._pass_over(error)
        return START, self._fresh()

    def _read_state(self) -> Snapshot | None:
        """Return what the state file holds; None where it is missing, or can't be used, which is told."""
        from dspy_agent_core.bandit.state import StateError

        self.newer, self._damaged = None, False
        try:
            with open_regular(self._path, follow=False) as file:
                return Snapshot.decode(file.read(_MOST_BYTES))
        except FileNotFoundError:
            return None
        except (StateError, OSError) as error:
            self._pass_over(error)
            return None

    def _pass_over(self, error: StateError | OSError) -> None:
        """Tell why the state file is not used."""
        if getattr(error, "kind", "") == "newer":
            self.newer = WorkspaceError(
                f"{STATE_NAME} was written by a later version of dspy-agent.",
                code="StateNewer",
                next="Update dspy-agent; or set it aside and start anew: dspy-agent rl reset.",
            )
            self._tell(f"{self.newer.message} {self.newer.next}")
            return
        self._damaged = True
        why = (
            f"can't be read ({(error.strerror or str(error)).lower()})"
            if isinstance(error, OSError)
            else "is damaged"
        )
        self._tell(f"{STATE_NAME} {why}: what was learned is made anew from the event log.")

    def _is_as_far(self, there: Snapshot) -> bool:
        return there.start == self._print and there.mark.offset >= self._mark.offset

    def _fresh(self) -> Learner:
        from dspy_agent_core.bandit.learner import Learner

        return Learner.fresh(self._prior)

    def _tell(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def reset(workspace: Path) -> list[str]:
    """Set aside what ``workspace`` has learned and what was told: the files' names, ended by ``.aside``.

    Raises:
        OSError: one can't be moved.
    """
    found = [name for name in (STATE_NAME, LOG_NAME) if os.path.lexists(workspace / name)]
    folder = learning_folder(workspace)
    with _alone(folder) if folder is not None else nullcontext():
        for name in found:
            with suppress(FileNotFoundError):
                (workspace / name).replace(workspace / f"{name}.aside")
    return found


def _identity(path: Path) -> Identity:
    try:
        found = path.lstat()
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        lock_soon(lock)
        yield
    finally:
        os.close(lock)
