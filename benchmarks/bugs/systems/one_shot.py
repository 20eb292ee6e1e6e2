"""The plain way: one question with the task and what the test points to, one whole function as the answer."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import Final

from benchmarks.bugs.systems.base import Answer, Place
from benchmarks.bugs.systems.pointed import Function, pointed_to
from benchmarks.bugs.tasks import Task
from dspy_agent.model.access import open_model

_SYSTEM: Final = "You are an expert Python programmer who fixes bugs."
_ASK: Final = (
    "One of the functions above has a small bug that makes the test fail. "
    "Write that one function again, whole and corrected, in a ```python block. Change nothing else."
)
_ANSWER_TOKENS: Final = 1200
_FENCE: Final = re.compile(r"```(?:python|py)?\s*\n(.*?)(?:```|\Z)", re.DOTALL)


class OneShot:
    """The functions that the test points to, as many as fit, and one answer at temperature 0."""

    name = "one-shot"
    mends = True

    def answer(self, task: Task, folder: Path, seconds: float) -> Answer:
        """Ask once."""
        model = open_model(folder)
        room = model.prompt_tokens(_ANSWER_TOKENS) - model.count(_SYSTEM + _ASK + task.text) - 100
        shown: list[Function] = []
        blocks: list[str] = []
        for one in pointed_to(task, folder):
            block = f"# {one.path}\n{_text(one, folder)}"
            if (room := room - model.count(block) - 10) < 0:
                break
            shown.append(one)
            blocks.append(f"```python\n{block}\n```")
        if not shown:
            return Answer(note="nothing that the test points to fits")
        question = "\n\n".join([task.text, *blocks, _ASK])
        said = model.complete(_SYSTEM, question, answer_tokens=_ANSWER_TOKENS, temperature=0.0, seed=0)
        usage = model.usage
        tokens = (usage.calls, usage.prompt_tokens, usage.answer_tokens)
        chosen = answered(said.text, shown)
        if chosen is None:
            return Answer((), {}, *tokens, note="no function of those shown is in the answer")
        one, text = chosen
        content = replaced(folder / one.path, one, text)
        return Answer((Place(one.path, one.first_line, one.last_line),), {one.path: content}, *tokens)


def answered(text: str, shown: list[Function]) -> tuple[Function, str] | None:
    """Return the first shown function that the answer holds, and its new text."""
    for block in [*_FENCE.findall(text), text]:
        code = textwrap.dedent(block).strip("\n")
        try:
            tree = ast.parse(code)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for one in shown:
                    if one.symbol.rpartition(".")[2] == node.name:
                        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                        lines = code.splitlines()[first - 1 : node.end_lineno]
                        return one, textwrap.dedent("\n".join(lines))
    return None


def replaced(file: Path, one: Function, text: str) -> bytes:
    """Return the file with the function's lines replaced, at their old indentation."""
    lines = file.read_bytes().decode().splitlines(keepends=True)
    old = lines[one.first_line - 1]
    indent = old[: len(old) - len(old.lstrip())]
    new = textwrap.indent(text.rstrip(), indent, lambda line: bool(line.strip())) + "\n"
    if new.lstrip().startswith("def ") and old.lstrip().startswith("@"):
        first = next(
            number
            for number, line in enumerate(lines[one.first_line - 1 :], one.first_line - 1)
            if line.lstrip().startswith(("def ", "async "))
        )
        new = "".join(lines[one.first_line - 1 : first]) + new
    return ("".join([*lines[: one.first_line - 1], new, *lines[one.last_line :]])).encode()


def _text(one: Function, folder: Path) -> str:
    lines = (folder / one.path).read_bytes().decode().splitlines()[one.first_line - 1 : one.last_line]
    return textwrap.dedent("\n".join(lines))
