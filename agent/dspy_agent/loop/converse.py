"""The loop itself, from top to bottom: suggest, choose, approve, run, see; and in the end an answer."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from dspy_agent import instructions, memory
from dspy_agent.learning.event import SESSION
from dspy_agent.loop import forms
from dspy_agent.loop.act import Decision, Done, act, tell
from dspy_agent.loop.answer import ANSWER_TOKENS, ask_for_answer, cited
from dspy_agent.loop.approval import Approver, Change, Verdict
from dspy_agent.loop.intent import Kind, asked_for
from dspy_agent.loop.lessons import Lessons
from dspy_agent.loop.limits import Limits, Meter
from dspy_agent.loop.observe import Observation, observe
from dspy_agent.loop.show import Teller
from dspy_agent.loop.step import ANSWER, Conversation, Step, Use
from dspy_agent.loop.trajectory import Trajectory
from dspy_agent.model.access import Model
from dspy_agent.modules.registry import load_module
from dspy_agent.planning.commands import Commands
from dspy_agent.planning.places import Places
from dspy_agent.session.facts import Facts
from dspy_agent.session.seen import Seen
from dspy_agent.session.suggest import Request, Suggester, Suggestion
from dspy_agent.tools.base import Tool, ToolContext
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.errors import AgentError, ModelError

_CHOICE_TOKENS: Final = 160
_OBSERVATION: Final = 1200  # characters of one: a small model on a CPU reads fifty tokens a second
_CHARACTERS_A_TOKEN: Final = 3
_OWN_WORDS: Final = 500  # tokens of what stands around the observations
_GRACE: Final = 1.2  # of the seconds: the answer may still come


class OutOfTime(ModelError):
    """The time of the conversation is over in the middle of an answer."""

    def __init__(self) -> None:
        super().__init__("The time is over.", code="OutOfTime", next="Give it more: --seconds")


@dataclass(slots=True)
class Setting:
    """What a conversation is held with."""

    context: ToolContext
    model: Model
    suggester: Suggester
    approver: Approver
    teller: Teller
    limits: Limits = field(default_factory=Limits)
    before: str = ""  # what was said in an earlier conversation that goes on


class Talk:
    """One conversation about ``task``."""

    def __init__(self, task: str, setting: Setting) -> None:
        self._task = task
        self._setting = setting
        self._meter = Meter(setting.limits)
        self._changes: frozenset[Kind] = asked_for(task)
        self._facts = Facts(task, setting.context.workspace, setting.context.logs)
        self._router = load_module("router", setting.context.workspace)
        self._trajectory = Trajectory(setting.context.workspace, SESSION)
        self._lessons = Lessons(setting.context.workspace)
        self._used_before = setting.model.usage
        self._steps: list[Step] = []
        self._seen: list[Observation] = []
        self._shown: list[Seen] = []
        self._proposed = False

    def hold(self) -> Conversation:
        """Hold the conversation and return what came of it.

        Raises:
            ModelError: the model failed.
        """
        self._trajectory.write("task", {"task": self._task, "model": self._setting.model.settings.name})
        answer, stopped = "", ""
        try:
            while not (stopped := self._meter.over(self._tokens())):
                if stopped := self._step():
                    break
            answer = self._answer()
        except BaseException as error:
            stopped = error.code if isinstance(error, AgentError) else type(error).__name__
            raise
        finally:
            self._trajectory.write("end", {"answer": answer, "stopped": stopped})
        return self._conversation(answer, stopped)

    def _step(self) -> str:
        """Take one step; return why it was the last one, or ""."""
        started, used = time.perf_counter(), self._setting.model.usage.seconds
        suggestion = self._suggestion()
        self._setting.teller.suggested(suggestion)
        try:
            why, tool, said = self._choice(suggestion)
        except OutOfTime:
            return f"{self._setting.limits.seconds:g} seconds are over"
        chosen = tool.name if tool else ANSWER
        self._setting.teller.chose(suggestion, chosen, why)
        if tool is None:
            return "answered"
        command = forms.command_of(tool, said)
        if self._meter.repeats(command):
            return f"the same step again: {command}"
        model_ms = 1000 * (self._setting.model.usage.seconds - used)
        done, verdict = self._done(tool, said, command, why)
        self._note(suggestion, done, verdict, command, said, (started, model_ms))
        return ""

    def _suggestion(self) -> Suggestion | None:
        context = self._setting.context
        request = Request(
            self._task,
            context.workspace,
            context.logs,
            (*self._tools, ANSWER),
            seen=tuple(self._shown),
            changes=frozenset(self._changes),
            mask=self._mask(),
            facts=self._facts,
        )
        found = self._setting.suggester.suggest(request)
        return found[0] if found else None

    def _choice(self, suggestion: Suggestion | None) -> tuple[str, Tool | None, dict[str, Any]]:
        """Return why, the tool that the model chose (None: it answers), and its arguments."""
        mask = self._mask()
        tools = tuple(name for name in self._tools if name not in mask)
        may_answer = bool(self._seen) or suggestion is None
        lines = [f"{name}: {BY_NAME[name].summary}" for name in tools]
        with self._setting.model.answering(
            answer_tokens=_CHOICE_TOKENS, temperature=0.0, on_text=self._in_time(1.0)
        ):
            said = self._router(
                task=self._asked,
                tools="\n".join(
                    [*lines, f"{ANSWER}: Enough was seen to answer." if may_answer else ""]
                ).strip(),
                seen=self._observations(_CHOICE_TOKENS),
                suggested=shlex.join(suggestion.words) if suggestion else "",
                kind=forms.choice_of(tools, may_answer),
            )
        name = said.step["tool"] if isinstance(said.step, dict) else said.step.tool
        return said.why.strip(), None if name == ANSWER else BY_NAME[name], forms.said_in(said.step)

    def _done(self, tool: Tool, said: dict[str, Any], command: str, why: str) -> tuple[Done, Verdict | None]:
        """Run the tool, if it may run; with the verdict of one that changes something."""
        verdict: Verdict | None = None
        arguments = forms.arguments_of(tool, said, self._task)
        if tool.changes:
            line = str(said.get("command", "")) if tool.name == "run" else command
            change = Change(tool.name, line, why, self._proposed)
            verdict = self._setting.approver.decide(change, self._task, self._own_commands)
            if not verdict.runs:
                text = f"not run: {verdict.why}"
                return Done(tool, arguments, None, text, "NotApproved", 0.0), verdict
        self._setting.teller.runs(command)
        done = act(tool, arguments, self._setting.context)
        self._proposed = self._proposed or (tool.name == "edit" and done.found)
        return done, verdict

    def _note(
        self,
        suggestion: Suggestion | None,
        done: Done,
        verdict: Verdict | None,
        command: str,
        said: dict[str, Any],
        times: tuple[float, float],
    ) -> None:
        """Show a step, remember it, and have it on disk before the next one."""
        number = len(self._steps) + 1
        self._setting.teller.saw(done.text)
        one = observe(number, command, done.text, done.places, _OBSERVATION)
        self._seen.append(one)
        self._shown.append(_shown(command, done))
        self._meter.took(failed=bool(done.error))
        self._lessons.ran(command, done)
        suggested = suggestion.tool if suggestion else None
        outcome = {
            "step": number,
            "suggested": suggested or "",
            "suggested_score": round(suggestion.score, 4) if suggestion else 0.0,
            "agreed": suggested == done.tool.name,
            "ran": done.error != "NotApproved",
        }
        features = suggestion.features if suggestion else {}
        policy = ("model", self._setting.model.settings.name[:64])
        tell(done, Decision(policy, features, self._mask(), outcome), self._setting.context)
        started, model_ms = times
        step = Step(
            number=number,
            suggested=suggested,
            chosen=done.tool.name,
            arguments=said,
            command=command,
            ran=done.error != "NotApproved",
            found=done.found,
            note=done.error or ("found" if done.found else "nothing found"),
            tool_ms=done.ms,
            model_ms=model_ms,
            overhead_ms=1000 * (time.perf_counter() - started) - model_ms - done.ms,
        )
        self._steps.append(step)
        self._trajectory.write("step", _record(step, suggestion, verdict, one, self._tokens()))

    def _answer(self) -> str:
        teller = self._setting.teller
        teller.begins()

        def piece(text: str) -> None:
            teller.piece(text)
            pieces.append(text)
            in_time(text)

        pieces: list[str] = []
        in_time = self._in_time(_GRACE)
        try:
            seen = self._observations(ANSWER_TOKENS)
            return ask_for_answer(self._setting.model, self._task, self._beside, seen, piece)
        except OutOfTime:
            return "".join(pieces).strip() + " …"
        finally:
            teller.ends()

    def _conversation(self, answer: str, stopped: str) -> Conversation:
        from dspy_agent.loop.following import next_steps

        summary, evidence = cited(answer, self._steps, self._seen)
        used, before = self._setting.model.usage, self._used_before
        path = self._trajectory.path.relative_to(self._setting.context.workspace).as_posix()
        trouble = self._trajectory.trouble
        return Conversation(
            summary=summary,
            next=" · ".join(next_steps(self._steps, self._shown, self._task)),
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

    @cached_property
    def _tools(self) -> tuple[str, ...]:
        return forms.usable(tuple(BY_NAME))

    @cached_property
    def _own_commands(self) -> list[str]:
        workspace = self._setting.context.workspace
        return Commands(workspace, Places(workspace)).offered()

    @cached_property
    def _beside(self) -> str:
        """What the project and earlier tasks say: below the user's words."""
        workspace = self._setting.context.workspace
        paths = [self._facts.path] if self._facts.path else []
        lessons = memory.as_lines(memory.lessons_for(workspace, self._task, paths, 3), 400)
        rules = instructions.read(workspace, paths[0] if paths else None, most=500)
        return "\n".join(
            part
            for part in (self._setting.before, rules, lessons and f"Lessons from before:\n{lessons}")
            if part
        )

    @cached_property
    def _asked(self) -> str:
        own = self._own_commands if "run" in self._changes else []
        commands = f"The project's own checks: {', '.join(own)}" if own else ""
        return "\n".join(part for part in (self._task, self._beside, commands) if part)

    def _mask(self) -> tuple[str, ...]:
        """Return the tools that can't be chosen now."""
        hidden = [] if self._facts.has_logs else ["ctx"]
        if self._setting.approver.mode == "never" or not self._changes:
            hidden += [name for name in self._tools if BY_NAME[name].changes]
        if not self._proposed:
            hidden += [name for name in ("apply", "diff") if name not in self._changes]
        return tuple(dict.fromkeys(hidden))

    def _observations(self, answer_tokens: int) -> str:
        """Return what was seen, the newest last; the oldest gives way where there is no room."""
        model = self._setting.model
        room = model.prompt_tokens(answer_tokens) - _OWN_WORDS - model.count(self._asked)
        kept: list[str] = []
        for one in reversed(self._seen):
            room -= model.count(one.data)
            if room < 0 and kept:
                break
            kept.append(one.data)
        return "\n\n".join(reversed(kept))

    def _tokens(self) -> int:
        used, before = self._setting.model.usage, self._used_before
        return used.prompt_tokens + used.answer_tokens - before.prompt_tokens - before.answer_tokens

    def _in_time(self, share: float) -> Callable[[str], None]:
        end = self._meter.started + share * self._setting.limits.seconds

        def check(text: str) -> None:
            if time.monotonic() > end:
                raise OutOfTime()

        return check


def _shown(command: str, done: Done) -> Seen:
    hits = getattr(done.result, "hits", None) or ()
    symbols = dict.fromkeys(hit.symbol for hit in hits if hit.symbol)
    paths = dict.fromkeys(place.rpartition(":")[0] or place for place in done.places)
    return Seen(tuple(shlex.split(command)), done.found, tuple(symbols)[:3], tuple(paths)[:3])


def _record(
    step: Step, suggestion: Suggestion | None, verdict: Verdict | None, one: Observation, tokens: int
) -> dict[str, Any]:
    return {
        "number": step.number,
        "suggested": {"tool": suggestion.tool, "score": suggestion.score, "because": suggestion.because}
        if suggestion
        else None,
        "chosen": step.chosen,
        "arguments": step.arguments,
        "command": step.command,
        "approval": {"runs": verdict.runs, "by": verdict.by, "why": verdict.why} if verdict else None,
        "result": {
            "digest": one.digest,
            "characters": len(one.text),
            "note": step.note,
            "places": one.places,
        },
        "tool_ms": step.tool_ms,
        "model_ms": step.model_ms,
        "overhead_ms": step.overhead_ms,
        "tokens": tokens,
    }
