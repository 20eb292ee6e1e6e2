"""``stream trainer``: keeps a workspace's event log in step with its topic, and its state file with the log.

Three parts, each of which can fail for a while without the others: the own lines of the log go to
``agent.learning``, what other agents told there comes into the log, and the log is folded into the state
file. All that is known is in the log: this program can be killed at any moment. A workspace has one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.exclude import keep_from_git
from dspy_agent.learning.mirror import Mirror
from dspy_agent.learning.mirror_cursor import NAME, Cursor
from dspy_agent.learning.policy_state import Policies, open_policy
from dspy_agent.streams import kafka
from dspy_agent.streams.outbox import Outbox
from dspy_agent.streams.program import Program
from dspy_agent.streams.trainer_topic import SharedEvents
from dspy_agent.workspace.atomic import exclusive
from dspy_agent_core.errors import AgentError, WorkspaceError
from dspy_agent_core.streams.settings import StreamSettings

_LOCK: Final = "trainer.lock"
_STANDBY_SECONDS: Final = 1.0
_REACH_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 0.2
_SNAPSHOT_SECONDS: Final = 30.0
_AGAIN_SECONDS: Final = 5.0


class Trainer:
    """The trainer of one workspace.

    Args:
        program: the process's frame.
        settings: where Kafka is; with no ``bootstrap`` only the state file is kept.
        workspace: the workspace.
        folder: of its index, where the cursor and the locks lie.
        steps: a snapshot each so many events.
        once: take what is there now, and end.
        drain_seconds: wait so long in the end for what is on its way to the broker.
    """

    def __init__(
        self,
        program: Program,
        settings: StreamSettings,
        workspace: Path,
        folder: Path,
        *,
        steps: int,
        once: bool,
        drain_seconds: float = 6.0,
    ) -> None:
        self._program, self._settings, self._once = program, settings, once
        self._drain_seconds = drain_seconds
        self._workspace, self._folder, self._steps = workspace, folder, steps
        self._mirror: Mirror | None = None
        self._shared: SharedEvents | None = None
        self._outbox: Outbox | None = None
        self._policies: Policies
        self._snapshot_at = time.monotonic() + _SNAPSHOT_SECONDS
        self._again_at = 0.0
        self._measures = _Measures(program)

    def run(self) -> None:
        """Work until the program should stop, or with ``once`` until all was taken.

        Raises:
            AgentError: the broker refuses, or with ``once``: it is away, another trainer works, or the state
                is a later version's.
        """
        with ExitStack() as held:
            if not self._alone(held):
                return
            self._policies = open_policy(self._workspace, say=self._program.say)
            if self._once:
                self._save_state()
            if self._settings.bootstrap:
                self._connect()
            self._program.health.ready()
            while not self._program.stopping and not (self._once and self._finished()):
                self._program.tick()
                self._step()
            self._end()

    def _alone(self, held: ExitStack) -> bool:
        """Wait until no other trainer works on the workspace; return whether this one may."""
        said = False
        while not self._program.stopping:
            with ExitStack() as attempt:
                if attempt.enter_context(exclusive(self._folder / _LOCK, wait=False)):
                    held.push(attempt.pop_all())
                    return True
            if self._once:
                raise WorkspaceError(
                    "Another trainer works on this workspace.",
                    code="TrainerRuns",
                    next="Nothing is left to do: it learns the same. Or stop it first.",
                )
            if not said:
                self._program.say("another trainer works on this workspace: this one stands by.")
                said = True
                self._program.health.ready()
            self._program.tick()
            self._program.wait(_STANDBY_SECONDS)
        return False

    def _connect(self) -> None:
        if self._once:
            kafka.check_reachable(self._settings, _REACH_SECONDS)
        topic = self._settings.topics.learning
        cursor = Cursor(self._folder / NAME, f"{self._settings.bootstrap} {topic}")
        self._outbox = Outbox(kafka.producer(self._settings, self._program.watch.options()), self._program)
        self._mirror = Mirror(self._workspace, cursor, topic, self._outbox)
        self._shared = SharedEvents(
            self._program,
            self._settings,
            self._outbox,
            cursor,
            self._workspace,
            lambda: keep_from_git(self._workspace, LOG_NAME),
            steps=self._steps,
            once=self._once,
        )

    def _step(self) -> None:
        if self._outbox and self._mirror and self._shared:
            self._try("MirrorFailed", "The event log can't be mirrored", self._mirror.step)
            self._outbox.poll()
            self._shared.step()
        else:
            self._program.wait(_IDLE_SECONDS)
        self._learn()

    def _learn(self) -> None:
        """Fold what is new, and write the state when it is due."""
        self._measures.note(self._policies, self._mirror)
        unsaved, now = self._policies.unsaved, time.monotonic()
        if now >= self._again_at and unsaved and (unsaved >= self._steps or now >= self._snapshot_at):
            self._snapshot_at = now + _SNAPSHOT_SECONDS
            if not self._save_state():
                self._again_at = now + _AGAIN_SECONDS

    def _save_state(self) -> bool:
        return self._try("StateNotSaved", "The state of the policy can't be saved", self._policies.save)

    def _try(self, code: str, what: str, do: Callable[[], object]) -> bool:
        """Return whether it could be done; if not, tell of it and go on."""
        try:
            do()
        except OSError as error:
            problem = f"{what}: {(error.strerror or str(error)).lower()}."
        except AgentError as error:
            problem = f"{error.message} {error.next}"
        else:
            self._program.health.ready(code)
            return True
        self._program.health.unready(code, problem)
        self._program.report(code, problem)
        return False

    def _finished(self) -> bool:
        if not (self._mirror and self._shared):
            return True
        return self._mirror.caught_up and self._shared.finished

    def _end(self) -> None:
        """Deliver what was begun, save how far that is and what was learned, within a few seconds."""
        if self._outbox and self._mirror and self._shared:
            until = time.monotonic() + self._drain_seconds
            while not self._outbox.idle and time.monotonic() < until:
                self._outbox.poll(0.05)
            self._shared.close()
            self._try("CursorNotSaved", "The cursor can't be saved", self._save_cursor)
        self._save_state()
        self._measures.note(self._policies, self._mirror)
        self._program.reports.publish()
        if self._once and self._policies.newer is not None:
            raise self._policies.newer

    def _save_cursor(self) -> None:
        if self._mirror:
            self._mirror.save(now=True)


class _Measures:
    """What the program tells on /metrics and ``agent.metrics``."""

    def __init__(self, program: Program) -> None:
        from prometheus_client import Gauge

        def gauge(name: str, what: str) -> Gauge:
            return Gauge(f"dspy_agent_trainer_{name}", what, registry=program.registry)

        self._decisions = gauge("decisions", "Decisions that the policy knows of.")
        self._unsaved = gauge("unsaved_events", "Events that the state file does not know yet.")
        self._sent = gauge("sent_events", "Events that this run has sent.")
        self._waiting = gauge("waiting_bytes", "Bytes of the event log that the broker has not confirmed.")
        self._damaged = gauge("damaged_lines", "Lines of the event log that are no events.")
        self._rewards = Gauge(
            "dspy_agent_trainer_mean_reward",
            "What a run of a tool has earned, on average.",
            ["tool"],
            registry=program.registry,
        )
        self._learned: dict[str, float] = {}

    def note(self, policies: Policies, mirror: Mirror | None) -> None:
        """Take the figures of now."""
        learner = policies.learner
        self._decisions.set(learner.decisions)
        if learner.earned != self._learned:
            self._learned = dict(learner.earned)
            for tool, earned in self._learned.items():
                self._rewards.labels(tool).set(earned / max(1, learner.uses.get(tool, 1)))
        self._unsaved.set(policies.unsaved)
        if mirror is not None:
            self._sent.set(mirror.sent)
            self._waiting.set(mirror.waiting)
            self._damaged.set(mirror.damaged)
