"""The loop itself, from top to bottom: suggest, choose, approve, run, see; and in the end an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dspy_agent.learning.event import SESSION, new_decision_id
from dspy_agent.loop import forms
from dspy_agent.loop.act import Decision, Done, act, tell
from dspy_agent.loop.answer import ANSWER_TOKENS, ask_for_answer, cited
from dspy_agent.loop.approval import Approver, Change, Verdict
from dspy_agent.loop.choose import CHOICE_TOKENS, Chooser, Chosen
from dspy_agent.loop.credit import Told, credit
from dspy_agent.loop.following import next_steps
from dspy_agent.loop.intent import asked_for
from dspy_agent.loop.lessons import Lessons
from dspy_agent.loop.limits import Limits, Meter
from dspy_agent.loop.observe import Observation, observe
from dspy_agent.loop.prompt import Prompt
from dspy_agent.loop.record import outcome_of, record_of, seen_of
from dspy_agent.loop.show import Teller
from dspy_agent.loop.step import Conversation, Step, Use
from dspy_agent.loop.trajectory import Trajectory
from dspy_agent.model.access import Model
from dspy_agent.model.errors import OutOfTime
from dspy_agent.planning.commands import Commands
from dspy_agent.planning.places import Places
from dspy_agent.suggest.facts import Facts
from dspy_agent.suggest.request import ANSWER, Request, Suggester, Suggestion, to_follow
from dspy_agent.suggest.seen import Seen
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.errors import AgentError

_OBSERVATION: Final = 1200  # characters of one: a small model on a CPU reads fifty tokens a second
_GRACE: Final = 1.2  # of the seconds: the answer may still come
_NOT_APPROVED: Final = "NotApproved"


@dataclass(slots=True)
class Setting:
    """What a conversation is held with. ``before``: what was said in an earlier one that goes on."""

    context: ToolContext
    model: Model
    suggester: Suggester
    approver: Approver
    teller: Teller
    limits: Limits = field(default_factory=Limits)
    before: str = ""


class Talk:
    """One conversation about ``task``."""

    def __init__(self, task: str, setting: Setting) -> None:
        workspace, logs = setting.context.workspace, setting.context.logs
        self._task = task
        self._context, self._model, self._teller = setting.context, setting.model, setting.teller
        self._suggester, self._approver = setting.suggester, setting.approver
        self._limits, self._meter = setting.limits, Meter(setting.limits)
        self._changes = asked_for(task)
        self._facts = Facts(task, workspace, logs)
        self._tools = forms.usable(tuple(BY_NAME))
        self._own_commands = Commands(workspace, Places(workspace)).offered() if self._changes else []
        self._prompt = Prompt(task, self._facts.path, workspace, self._own_commands, setting.before)
        self._chooser = Chooser(task, setting.model, workspace)
        self._trajectory = Trajectory(workspace, SESSION)
        self._lessons = Lessons(workspace)
        self._used_before = setting.model.usage
        self._steps: list[Step] = []
        self._observed: list[Observation] = []
        self._seen: list[Seen] = []
        self._told: list[Told] = []
        self._proposed = False

    def hold(self) -> Conversation:
        """Hold the conversation and return what came of it.

        Raises:
            ModelError: the model failed.
        """
        self._trajectory.write("task", {"task": self._task, "model": self._model.settings.name})
        answer, stopped = "", ""
        try:
            while not (stopped := self._meter.over(self._tokens())):
                if stopped := self._step():
                    break
            answer = self._answer()
            credit(answer, self._told, self._context.workspace)
        except BaseException as error:
            stopped = error.code if isinstance(error, AgentError) else type(error).__name__
            raise
        finally:
            self._trajectory.write("end", {"summary": answer, "stopped": stopped})
        return self._conversation(answer, stopped)

    def _step(self) -> str:
        """Take one step; return why it was the last one, or ""."""
        started, used = time.perf_counter(), self._model.usage.seconds
        mask, tokens = self._mask(), self._tokens()
        suggestions = self._suggestions(mask)
        suggestion = to_follow(suggestions)
        self._teller.suggested(suggestions)
        try:
            chosen = self._chosen(suggestion, mask)
        except OutOfTime:
            return f"{self._limits.seconds:g} seconds are over"
        model_ms = 1000 * (self._model.usage.seconds - used)
        if chosen.by_model:
            self._teller.chose(suggestion, chosen.name, chosen.why)
        else:
            self._teller.not_taken(instead=chosen.readable)
        if not chosen.readable:
            self._meter.took(failed=True)
            return ""
        if chosen.tool is None:
            return "answered"
        if self._meter.repeats(chosen.command):
            repeated = chosen.command
            found = any(step.found for step in self._steps if step.command == repeated)
            chosen = self._chooser.instead(suggestion)
            if found or chosen.tool is None or self._meter.repeats(chosen.command):
                return f"the same step again: {repeated}"
            self._teller.note("That was done before: the suggested step instead.")
        done, verdict = self._done(chosen)
        self._tell(suggestion, mask, done, self._tokens() - tokens)
        self._note(suggestion, chosen, done, verdict, started, model_ms)
        return ""

    def _suggestions(self, mask: tuple[str, ...]) -> list[Suggestion]:
        request = Request(
            self._task,
            self._context.workspace,
            self._context.logs,
            (*self._tools, ANSWER),
            seen=tuple(self._seen),
            changes=frozenset(self._changes),
            mask=mask,
            facts=self._facts,
            model=True,
            commands=tuple(self._own_commands),
        )
        return self._suggester.suggest(request)

    def _chosen(self, suggestion: Suggestion | None, mask: tuple[str, ...]) -> Chosen:
        return self._chooser.choose(
            self._prompt.asked,
            self._prompt.observations(self._observed, self._model, CHOICE_TOKENS),
            [name for name in self._tools if name not in mask],
            bool(self._steps) or suggestion is None,
            suggestion,
            self._in_time(1.0),
        )

    def _mask(self) -> tuple[str, ...]:
        """Return the tools that can't be chosen now."""
        hidden = [] if self._facts.around.has_logs else ["ctx"]
        if self._approver.mode == "never" or not self._changes:
            hidden += [name for name in self._tools if BY_NAME[name].changes]
        if not self._proposed:
            hidden += [name for name in ("apply", "diff") if name not in self._changes]
        return tuple(dict.fromkeys(hidden))

    def _done(self, chosen: Chosen) -> tuple[Done, Verdict | None]:
        """Run the tool, if it may run; with the verdict where it changes something."""
        tool, verdict = chosen.tool, None
        assert tool is not None  # noqa: S101
        if tool.changes:
            command = str(chosen.said.get("command", "")) if tool.name == "run" else chosen.command
            change = Change(tool.name, command, chosen.why, self._proposed)
            verdict = self._approver.decide(change, self._task, self._own_commands)
            if not verdict.runs:
                text = f"not run: {verdict.why}"
                return Done(tool, chosen.arguments, None, text, _NOT_APPROVED, 0.0), verdict
        self._teller.runs(chosen.command)
        self._suggester.used(tool.name)
        done = act(tool, self._in_limits(chosen.arguments), self._context)
        if tool.name == "edit":
            self._proposed = done.found and bool(getattr(done.result, "verified", False))
        return done, verdict

    def _in_limits(self, arguments: Any) -> Any:
        """Return the arguments of a tool that takes ``seconds`` with no more of them than are left."""
        if not hasattr(arguments, "seconds"):
            return arguments
        left = self._meter.started + self._limits.seconds - time.monotonic()
        return replace(arguments, seconds=max(1.0, min(arguments.seconds, left)))

    def _tell(self, suggestion: Suggestion | None, mask: tuple[str, ...], done: Done, tokens: int) -> None:
        """Write the learning event of a step: the model chose, knowing what the policy knew."""
        outcome = outcome_of(len(self._steps) + 1, suggestion, done, done.error != _NOT_APPROVED, tokens)
        id = suggestion.decision_id if suggestion else new_decision_id()
        features = suggestion.features if suggestion else {}
        policy = ("model", self._model.settings.name[:64])
        if done.found:
            number = len(self._steps) + 1
            self._told.append(Told(number, id, done.tool.name, done.arguments, policy))
        tell(done, Decision(id, policy, features, mask, outcome), self._context)

    def _note(
        self,
        suggestion: Suggestion | None,
        chosen: Chosen,
        done: Done,
        verdict: Verdict | None,
        started: float,
        model_ms: float,
    ) -> None:
        """Show a step, remember it, and have it on disk before the next one."""
        number = len(self._steps) + 1
        self._teller.saw(done.text)
        one = observe(number, chosen.command, done, _OBSERVATION, self._model.count)
        self._observed.append(one)
        self._seen.append(seen_of(chosen.command, done))
        self._meter.took(failed=bool(done.error))
        self._lessons.ran(chosen.command, done)
        step = Step(
            number=number,
            suggested=suggestion.tool if suggestion else None,
            chosen=done.tool.name,
            arguments=chosen.said,
            command=chosen.command,
            ran=done.error != _NOT_APPROVED,
            found=done.found,
            note=done.error or ("found" if done.found else "nothing found"),
            tool_ms=done.ms,
            model_ms=model_ms,
            overhead_ms=1000 * (time.perf_counter() - started) - model_ms - done.ms,
        )
        self._steps.append(step)
        self._trajectory.write("step", record_of(step, suggestion, verdict, one, self._tokens()))

    def _answer(self) -> str:
        pieces: list[str] = []
        in_time = self._in_time(_GRACE)

        def piece(text: str) -> None:
            self._teller.piece(text)
            pieces.append(text)
            in_time(text)

        self._teller.begins()
        try:
            seen = self._prompt.observations(self._observed, self._model, ANSWER_TOKENS)
            return ask_for_answer(self._model, self._task, self._prompt.beside, seen, piece)
        except OutOfTime:
            return "".join(pieces).strip() + " …"
        finally:
            self._teller.ends()

    def _conversation(self, answer: str, stopped: str) -> Conversation:
        summary, evidence = cited(answer, self._steps, self._observed)
        used, before, trouble = self._model.usage, self._used_before, self._trajectory.trouble
        path = self._trajectory.path.relative_to(self._context.workspace).as_posix()
        return Conversation(
            summary=summary,
            next=" · ".join(next_steps(self._steps, self._seen, self._task)),
            steps=self._steps,
            evidence=evidence,
            stopped=stopped,
            use=Use(
                used.calls - before.calls,
                used.prompt_tokens - before.prompt_tokens,
                used.answer_tokens - before.answer_tokens,
                round(used.seconds - before.seconds, 3),
            ),
            trajectory=None if trouble else path,
            notes=[f"The trajectory can't be written: {trouble}."] if trouble else None,
        )

    def _tokens(self) -> int:
        used, before = self._model.usage, self._used_before
        return used.prompt_tokens + used.answer_tokens - before.prompt_tokens - before.answer_tokens

    def _in_time(self, share: float) -> Callable[[str], None]:
        end = self._meter.started + share * self._limits.seconds

        def check(text: str) -> None:
            if time.monotonic() > end:
                raise OutOfTime

        return check
