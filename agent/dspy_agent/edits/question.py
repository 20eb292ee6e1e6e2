"""What a model is told about a symbol: within its budget, what is most telling first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent import instructions, memory
from dspy_agent.edits.clues import in_own_words
from dspy_agent.edits.executed import Executed, Failure
from dspy_agent.edits.hidden import HiddenSecrets
from dspy_agent.edits.results import Located
from dspy_agent.edits.splice import Slot
from dspy_agent.edits.units import Units
from dspy_agent.index.evidence import chunk_at
from dspy_agent.index.shared import index_of
from dspy_agent.model.data import as_data, without_secrets
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.links import is_test
from dspy_agent_core.index.graph import Graph
from dspy_agent_core.index.places import place_of

if TYPE_CHECKING:
    from dspy_agent.model.access import Model

_OWN_WORDS: Final = 260  # tokens of instructions, headings and marks
_TASK_TOKENS: Final = 700
_FACTS_TOKENS: Final = 420  # a small model on a CPU reads fifty a second
_CONTEXT_TOKENS: Final = 260
_CHARACTERS_A_TOKEN: Final = 3
_TEST_LINES: Final = 16
_MOST_CALLED: Final = 8
_FILE_TOKENS: Final = 900
_SUSPECTS: Final = 400  # characters
_EMPTY: Final = ("", "E", "E     Use -v to get more diff")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The inputs of the module ``code``, without secrets, and how long an answer may be.

    ``line``: only this line of the source is asked for.
    """

    task: str
    source: str
    language: str
    facts: str
    context: str
    answer_tokens: int
    new_file: str = ""
    line: str = ""


class Questions:
    """Makes the prompts of one task."""

    def __init__(self, task: str, workspace: Path, model: Model, executed: Executed) -> None:
        self._workspace, self._model, self._executed = workspace, model, executed
        self._units = Units(workspace)
        self.secrets = HiddenSecrets()
        told = in_own_words(task) if executed.failures else task  # what they say is told anew
        self._task = without_secrets(_ends(told or task, _TASK_TOKENS * _CHARACTERS_A_TOKEN))

    def about(self, slot: Slot) -> Prompt | None:
        """Return the prompt for the symbol in ``slot``; None if the symbol is too large for the model."""
        source, documentation = _without_docstring(slot)
        source = self.secrets.hide(source)
        answer = round(1.5 * self._model.count(source)) + 160
        room = self._model.prompt_tokens(answer) - _OWN_WORDS - self._model.count(source + self._task)
        if room < 0:
            return None
        facts = self._facts(slot, min(room, _FACTS_TOKENS)) if self._executed.failures else ""
        room -= self._model.count(facts)
        context = self._context(slot, documentation, min(room, _CONTEXT_TOKENS)) if room > 40 else ""
        rules = self._rules(slot.source.path)
        if rules and self._model.count(rules + context) < room:
            context = f"{context}\n{rules}".strip()
        return Prompt(self._task, source, slot.source.language, facts, context, answer)

    def about_line(self, prompt: Prompt, line: str) -> Prompt:
        """Return the prompt for one ``line`` of what ``prompt`` is about."""
        hidden = self.secrets.hide(line)
        return replace(prompt, line=hidden, answer_tokens=2 * self._model.count(hidden) + 40)

    def about_new(self, path: str, located: Sequence[Located]) -> Prompt:
        """Return the prompt for a new file: what is near to its task, by signature."""
        answer = min(_FILE_TOKENS, self._model.prompt_tokens(0) // 2)
        kept: list[str] = []
        for found in located:
            source = self._units.source(found.path)
            symbol = source.symbol(found.symbol, found.line) if source else None
            if symbol is not None:
                kept.append(f"{found.path}: {symbol.signature}")
        context = self.secrets.hide("\n".join(kept))[: _CONTEXT_TOKENS * _CHARACTERS_A_TOKEN]
        context = f"{context}\n{self._rules(path)}".strip()
        return Prompt(self._task, "", language_of(path) or "", "", context, answer, path)

    def _rules(self, path: str) -> str:
        """Return the project's own instructions and the lessons that fit."""
        lessons = memory.as_lines(memory.lessons_for(self._workspace, self._task, [path], 2), 250)
        rules = instructions.read(self._workspace, path, most=350)
        return without_secrets("\n".join(part for part in (rules, lessons) if part))

    def room_for(self, prompt: Prompt) -> int:
        """Return the tokens that are left beside ``prompt``."""
        used = "".join((prompt.task, prompt.source, prompt.facts, prompt.context))
        return self._model.prompt_tokens(prompt.answer_tokens) - _OWN_WORDS - self._model.count(used)

    def _facts(self, slot: Slot, tokens: int) -> str:
        """Return what the first failing test is and says."""
        name, failure = next(iter(self._executed.failures.items()))
        said = as_data(_ending(failure.text, tokens * _CHARACTERS_A_TOKEN // 2), 4000, "output")
        test = self._test(failure, tokens * _CHARACTERS_A_TOKEN // 2)
        shown = f"The test, which fails at its last line:\n```\n{test}\n```\n" if test else ""
        return f"{name} fails.\n{shown}It says:\n{said}{self._suspects(slot)}"

    def _suspects(self, slot: Slot) -> str:
        """Return the lines that failing tests run, and passing ones less."""
        path, first = slot.source.path, slot.symbol.line
        found = self._executed.suspects(path, first, slot.symbol.end_line)
        lines = [slot.lines[line - first].strip() for line in found]
        kept = self.secrets.hide("\n".join(line for line in lines if line)[:_SUSPECTS])
        return f"\nOnly the failing tests run these lines, or mostly:\n{kept}" if kept else ""

    def _test(self, failure: Failure, characters: int) -> str:
        """Return the lines of the test down to the one that fails."""
        for place in failure.frames:
            symbol = self._units.at(place.path, place.line or 0) if is_test(place.path) else None
            source = self._units.source(place.path)
            if symbol is None or source is None or place.line is None:
                continue
            lines = [line.rstrip() for line in source.lines[symbol.line - 1 : place.line]]
            kept = lines if len(lines) <= _TEST_LINES else [lines[0], "    ...", *lines[2 - _TEST_LINES :]]
            return self.secrets.hide("\n".join(kept))[-characters:]
        return ""

    def _context(self, slot: Slot, documentation: str, tokens: int) -> str:
        """Return what the symbol should do, where it stands, and what it calls, as far as that fits."""
        kept: list[str] = []
        left = tokens
        for piece in self._pieces(slot, documentation):
            piece = self.secrets.hide(piece)
            cost = self._model.count(piece)
            if cost <= left:
                kept.append(piece)
                left -= cost
        return "\n".join(kept)

    def _pieces(self, slot: Slot, documentation: str) -> Iterator[str]:
        if documentation:
            yield f"{slot.symbol.name} should do this:\n{documentation}"
        outer = slot.symbol.qualified.rpartition(".")[0]
        around = slot.source.symbol(outer, slot.symbol.line) if outer else None
        if around is not None:
            yield f"It is in: {around.signature}"
        index = index_of(self._workspace)
        chunk = chunk_at(index.corpus, slot.source.path, slot.symbol.line)
        if chunk is None:
            return
        calls = [edge.target for edge in Graph(index.corpus).edges(chunk) if edge.relation == "calls"]
        places = [place_of(index.corpus, target) for target in calls[:_MOST_CALLED]]
        signatures = [place.signature for place in places if place.signature and not is_test(place.path)]
        yield from (f"It calls: {signature}" for signature in dict.fromkeys(signatures))


def _without_docstring(slot: Slot) -> tuple[str, str]:
    """Return a Python symbol without a long docstring, which is put back later, and that."""
    symbol = slot.symbol
    if symbol.docstring is None or symbol.docstring_lines is None or slot.source.language != "python":
        return slot.text, ""
    first, last = (line - symbol.line for line in symbol.docstring_lines)
    rest = [*slot.lines[:first], *slot.lines[last + 1 :]]
    if last - first < 2 or symbol.kind == "class" or not "".join(rest[first:]).strip():
        return slot.text, ""
    return "\n".join(rest), symbol.docstring


def _ends(text: str, characters: int) -> str:
    """Return the beginning and the end of ``text``."""
    half = characters // 2
    return text if len(text) <= characters else f"{text[:half]}\n[…]\n{text[-half:]}"


def _ending(text: str, characters: int) -> str:
    """Return the last lines of ``text`` that say something."""
    lines = [line for line in text.split("\n") if line.strip() not in _EMPTY]
    kept: list[str] = []
    for line in reversed(lines):
        if sum(map(len, kept)) + len(line) > characters and kept:
            break
        kept.insert(0, line[:300])
    return "\n".join(kept)
