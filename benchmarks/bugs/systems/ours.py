"""The agent's `edit`: it finds, writes, and checks its candidates by itself."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bugs.systems.base import Answer, Place
from benchmarks.bugs.tasks import Task
from dspy_agent.edits import EditOptions, edit
from dspy_agent.model.access import Usage, open_model
from dspy_agent.tools.base import ToolContext


class Ours:
    """`dspy-agent edit` without the terminal; what it thinks best counts, verified or not."""

    name = "ours"
    mends = True
    candidates = 4

    def answer(self, task: Task, folder: Path, seconds: float) -> Answer:
        """Edit once, with its own defaults within ``seconds``."""
        model = open_model(folder) if self.candidates else None
        options = EditOptions(seconds=seconds, candidates=self.candidates)
        edited = edit(task.text, ToolContext(folder.resolve()), lambda: model, options)
        usage = model.usage if model else Usage()
        best = edited.best
        said = [
            f"{len(edited.candidates)} candidates",
            "verified" if best and best.verified else "not verified",
            *(f"rejected: {one.rejected}" for one in edited.candidates if one.rejected),
            *edited.notes,
        ]
        return Answer(
            tuple(Place(one.path, one.line, one.end_line) for one in edited.located),
            best.changes if best else {},
            usage.calls,
            usage.prompt_tokens,
            usage.answer_tokens,
            "; ".join(said),
        )


class NoModel(Ours):
    """`dspy-agent edit --candidates 0`: what is mended without a model."""

    name = "no-model"
    candidates = 0
