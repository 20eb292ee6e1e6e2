"""Makes an edit: locate, let the model write, put it in place, check it; until one candidate is verified."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.edits.addition import new_file, with_addition, written_file
from dspy_agent.edits.answer import Rejected
from dspy_agent.edits.clues import clues_in
from dspy_agent.edits.lines import suspects, with_line
from dspy_agent.edits.locate import Looked, Tell, look, nobody
from dspy_agent.edits.mechanical import mechanical
from dspy_agent.edits.question import Prompt, Questions
from dspy_agent.edits.results import Candidate, Edited, EditOptions, Located
from dspy_agent.edits.source import read_source
from dspy_agent.edits.splice import Slot, rewritten, slot_of
from dspy_agent.edits.trial import Trials
from dspy_agent.model.data import as_data
from dspy_agent.model.errors import OutOfTime
from dspy_agent.tools.amounts import count
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.stages import token_counter
from dspy_agent_core.errors import ModelError, WorkspaceError

if TYPE_CHECKING:
    from dspy_agent.model.access import Model

_TOP: Final = 3  # symbols that are tried
_NEAR: Final = 0.75  # a second symbol whose score is at least this is tried before the first one again
_WARM: Final = (0.5, 0.7, 0.9)
_MECHANICAL_SHARE: Final = 0.35  # of the time
_GUESSES_SHARE: Final = 0.15  # is left to them by the model
_MORE_SECONDS: Final = 15.0  # for one that mends more tests than the first
_MOST_LINES: Final = 8
_LINES_SHARE: Final = 0.4  # of the time
_USABLE: Final = 0.44  # the score of a change that breaks nothing


@dataclass(frozen=True, slots=True)
class _Try:
    """The symbol to write, by rank.

    ``mend``: go on from the best candidate so far; ``line``: write only this line (from 0) of it.
    """

    rank: int
    temperature: float
    mend: bool = False
    line: int | None = None


def edit(
    task: str,
    context: ToolContext,
    opened: Callable[[], Model],
    options: EditOptions | None = None,
    *,
    tell: Tell | None = None,
) -> Edited:
    """Return candidates for ``task``, the best of them verified if any is; nothing is changed.

    Args:
        task: in words, or what a failing test says.
        context: where.
        opened: opens the model, once it is needed: small mechanical changes are tried before.
        options: how.
        tell: is told of the progress.

    Raises:
        AgentError: a named file or symbol is not there, no sandbox can be had, or the model can't be used.
    """
    return _Edit(task, context, opened, options or EditOptions(), tell or nobody).result()


class _Edit:
    def __init__(
        self,
        task: str,
        context: ToolContext,
        opened: Callable[[], Model],
        options: EditOptions,
        tell: Callable[[str], None],
    ) -> None:
        self._task, self._opened, self._options, self._tell = task, opened, options, tell
        self._workspace: Path = context.workspace
        self._deadline = time.monotonic() + options.seconds
        tell("locating")
        self._new = new_file(task, clues_in(task), options, self._workspace)
        self._looked: Looked = self._look(context)
        self._trials = Trials(self._workspace, self._looked, self._deadline, tell)
        self._until = self._deadline  # for the model
        if self._looked.executed.failing and not (self._new or options.warm):
            self._until -= _GUESSES_SHARE * options.seconds
        self._notes = list(self._looked.notes)
        self._done: list[Candidate] = []

    @cached_property
    def _model(self) -> Model:
        return self._opened()

    @cached_property
    def _questions(self) -> Questions:
        return Questions(self._task, self._workspace, self._model, self._looked.executed)

    def _look(self, context: ToolContext) -> Looked:
        if not self._new:
            return look(self._task, context, self._options, self._tell)
        others = replace(self._options, files=())
        found = look(self._task, context, others, self._tell)
        return replace(found, located=tuple(one for one in found.located if one.path != self._new))

    def result(self) -> Edited:
        if self._new and self._options.candidates:
            return self._created(self._new)
        if not self._mended(guessed=False):
            if self._options.candidates:
                self._written()
            if not any(one.does_it for one in self._done):
                self._mended(guessed=True)
        return Edited(self._looked.located, tuple(self._done), self._best(), tuple(self._notes))

    def _mended(self, *, guessed: bool) -> bool:
        """Return whether a small change that needs no model does it.

        Args:
            guessed: one that no code says; these come when a model had its turn.
        """
        if self._options.warm:
            return False
        share = 1.0 if guessed else _MECHANICAL_SHARE
        until = time.monotonic() + share * (self._deadline - time.monotonic())

        def left() -> float:
            return until - time.monotonic()

        mended = False
        for found in mechanical(self._workspace, self._looked, left, self._tell, guessed=guessed):
            judged = self._trials.judged(replace(found, number=len(self._done) + 1))
            self._done.append(judged)
            if judged.does_it:
                if not judged.leaves_failing:
                    return True
                if not mended:  # there may be one that mends more
                    mended, until = True, min(until, time.monotonic() + _MORE_SECONDS)
        return mended

    def _written(self) -> None:
        """Let the model write candidates."""
        try:
            places = list(self._places())
        except ModelError as error:
            if self._best() is None:
                raise
            self._notes.append(f"No more candidates: {error.message}")
            return
        if not places:
            self._notes.append(
                "Nothing here was found that the task is about: name it with --file or --symbol."
            )
        lines_until = time.monotonic() + _LINES_SHARE * (self._until - time.monotonic())
        for attempt in self._tries(places) if places else ():
            number = len(self._done) + 1
            if attempt.line is not None and time.monotonic() > lines_until:
                continue
            if time.monotonic() > self._until:
                self._out_of_time()
                break
            try:
                candidate = self._candidate(number, attempt, places)
            except OutOfTime:
                self._out_of_time()
                break
            except ModelError as error:
                if self._best() is None:
                    raise
                self._notes.append(f"No more candidates: {error.message}")
                break
            if candidate.rejected and attempt.line is not None:
                continue  # most suspects are right as they are
            self._done.append(candidate)
            if candidate.does_it:
                break

    def _created(self, path: str) -> Edited:
        """Return candidates for a new file."""
        prompt = self._questions.about_new(path, self._looked.located)
        failed = ""
        for number in range(1, self._options.candidates + 1):
            if time.monotonic() > self._deadline:
                self._out_of_time()
                break
            temperature = 0.0 if number == 1 and not self._options.warm else _WARM[number % len(_WARM)]
            candidate = Candidate(number, path, "", temperature=temperature)
            try:
                answer = self._answer(number, temperature, prompt, failed)
                changes = {path: written_file(path, answer)}
                self._done.append(self._trials.judged(replace(candidate, changes=changes, answer=answer)))
            except OutOfTime:
                self._out_of_time()
                break
            except Rejected as reason:
                self._tell(f"candidate {number}: {reason}")
                self._done.append(replace(candidate, rejected=str(reason)))
            last = self._done[-1]
            if last.verified or last.score > _USABLE:
                break
            failed = as_data((last.failure or last.rejected or "")[-600:], 600, "output")
        return Edited(self._looked.located, tuple(self._done), self._best(), tuple(self._notes))

    def _out_of_time(self) -> None:
        self._notes.append(f"The time is up after {count(len(self._done), 'candidate')}.")

    def _places(self) -> Iterator[tuple[Located, Slot, Prompt]]:
        """Yield the symbols that can be written by this model, likeliest first."""
        found = 0
        for located in self._looked.located:
            try:
                source = read_source(self._workspace, located.path)
                symbol = source.symbol(located.symbol, located.line)
                slot = slot_of(source, symbol) if symbol else None
            except WorkspaceError as error:
                self._notes.append(error.message)
                continue
            prompt = self._questions.about(slot) if slot else None
            if slot is None or prompt is None:
                self._notes.append(f"{located.path} {located.symbol} is too large for the model.")
                continue
            yield located, slot, prompt
            found += 1
            if found == _TOP:
                return

    def _candidate(
        self, number: int, attempt: _Try, places: Sequence[tuple[Located, Slot, Prompt]]
    ) -> Candidate:
        failed, rank = self._to_mend() if attempt.mend else (None, attempt.rank)
        if failed is not None:
            rank = next(at for at, place in enumerate(places) if place[0].symbol == failed.symbol)
        located, slot, prompt = places[min(rank, len(places) - 1)]
        candidate = Candidate(
            number,
            located.path,
            located.symbol,
            temperature=attempt.temperature,
            round=1 if failed else 0,
            lines=(located.line, located.end_line),
        )
        try:
            if attempt.line is not None:
                asked = self._questions.about_line(prompt, slot.lines[attempt.line])
                answer = self._answer(number, attempt.temperature, asked, "")
                answer = with_line(slot, attempt.line, answer)
            else:
                answer = self._answer(number, attempt.temperature, prompt, self._said_of(failed, prompt))
            candidate = replace(candidate, answer=answer)
            data = self._placed(slot, answer)
        except Rejected as reason:
            self._tell(f"candidate {number}: {reason}")
            return replace(candidate, rejected=str(reason))
        changes = {located.path: data}
        if any(before.changes == changes for before in self._done):
            return replace(candidate, rejected="it is the same as one before")
        return self._trials.judged(replace(candidate, changes=changes))

    def _placed(self, slot: Slot, answer: str) -> bytes:
        """Return the file with the answer in the symbol's place; or at its end, if that was asked for.

        Raises:
            Rejected: the answer can't be used.
        """
        try:
            return rewritten(slot, answer)
        except Rejected as reason:
            if slot.source.language != "python" or self._options.symbols:
                raise
            with suppress(Rejected):
                return with_addition(slot.source, answer, self._task)
            raise reason from None

    def _answer(self, number: int, temperature: float, prompt: Prompt, failed: str) -> str:
        from dspy_agent.modules.registry import load_module

        stage = f"candidate {number}"
        self._tell(f"{stage}: writing")
        with self._model.answering(
            on_text=token_counter(self._tell, stage),
            answer_tokens=prompt.answer_tokens,
            temperature=temperature,
            seed=self._options.seed + number,
            until=self._until,
        ):
            said: Any = load_module("code", self._workspace)(
                task=prompt.task,
                source=prompt.source,
                language=prompt.language,
                facts=prompt.facts,
                context=prompt.context,
                failed=failed,
                new_file=prompt.new_file,
                prefill=self._model.settings.server == "ollama",
                line=prompt.line,
            )
        if not said.finished:
            raise Rejected("it was cut at the limit of its length")
        return self._questions.secrets.show(said.answer)

    def _tries(self, places: Sequence[tuple[Located, Slot, Prompt]]) -> Iterator[_Try]:
        """Yield what to try: suspicious lines, whose answers are short, then whole symbols."""
        if self._looked.executed.failing and not self._options.warm:
            near = [rank for rank, place in enumerate(places[:2]) if place[0].score >= _NEAR]
            found = [suspects(self._looked.executed, places[rank][1], _MOST_LINES) for rank in near]
            for temperature in (0.0, _WARM[1]):
                for rank, lines in zip(near, found, strict=True):
                    yield from (_Try(rank, temperature, line=line) for line in lines)
        yield from _whole_tries(places, self._options)

    def _to_mend(self) -> tuple[Candidate | None, int]:
        """Return the candidate to go on from: the best that failed a check."""
        written = [one for one in self._done if not one.mechanical]
        failed = [one for one in written if one.failure and one.round == 0 and not one.verified]
        return max(failed, key=lambda one: one.score, default=None), 0

    def _said_of(self, failed: Candidate | None, prompt: Prompt) -> str:
        if failed is None:
            return ""
        room = 3 * self._questions.room_for(prompt)
        code = self._questions.secrets.hide(failed.answer.strip().removesuffix("```").rstrip()) + "\n```"
        said = f"{code}\nStill wrong:\n{as_data(failed.failure[-600:], 600, 'output')}"
        return said if len(said) <= room else ""

    def _best(self) -> Candidate | None:
        usable = [one for one in self._done if one.changes and one.score > _USABLE]
        return max(usable, key=lambda one: (one.verified, one.score, -one.number), default=None)


def _whole_tries(places: Sequence[tuple[Located, Slot, Prompt]], options: EditOptions) -> Iterator[_Try]:
    """Yield whole symbols to write: sure answers for the likely symbols, then mended and warmer ones."""
    second = len(places) > 1 and places[1][0].score >= _NEAR
    order = [_Try(0, 0.0), _Try(1, 0.0) if second else _Try(0, _WARM[0]), _Try(0, 0.2, mend=True)]
    order.append(_Try(1 if len(places) > 1 and not second else 0, 0.0 if not second else _WARM[0]))
    if options.warm:
        order = []
    while len(order) < options.candidates:
        order.append(_Try(len(order) % min(_TOP, len(places)), _WARM[len(order) % len(_WARM)]))
    yield from order[: options.candidates]
