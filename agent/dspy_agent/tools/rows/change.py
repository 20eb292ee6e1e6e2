"""The tools that change files, and undo that."""

from __future__ import annotations

from dspy_agent.tools import change_arguments as args
from dspy_agent.tools.base import Tool

CHANGE: tuple[Tool, ...] = (
    Tool(
        name="edit",
        summary="Change the code for a task: what a model writes is checked, and shown as a proposal.",
        arguments=args.EditArguments,
        run="dspy_agent.tools.edit:run",
        render="dspy_agent.tools.edit:render",
        cost=90.0,
        cooldown=30,
        examples=(
            "dspy-agent edit 'test_total fails'",
            "dspy-agent edit 'retry three times' --symbol Client.get --candidates 6",
            "dspy-agent edit 'a module with a function slug(text)' --file src/slug.py --json",
        ),
        reads_logs=True,
        notes="dspy_agent.tools.edit:notes",
        changes=True,
    ),
    Tool(
        name="diff",
        summary="Show the proposal that waits, or what a checkpoint changed.",
        arguments=args.DiffArguments,
        run="dspy_agent.tools.diff:run",
        render="dspy_agent.tools.diff:render",
        cost=0.05,
        cooldown=1,
        examples=("dspy-agent diff", "dspy-agent diff 3", "dspy-agent diff --json"),
        notes="dspy_agent.tools.diff:notes",
    ),
    Tool(
        name="apply",
        summary="Land the proposal: all its files or none, with a checkpoint to undo it by.",
        arguments=args.ApplyArguments,
        run="dspy_agent.tools.apply:run",
        render="dspy_agent.tools.apply:render",
        cost=0.1,
        cooldown=1,
        examples=("dspy-agent apply", "dspy-agent apply --json"),
        notes="dspy_agent.tools.apply:notes",
        changes=True,
    ),
    Tool(
        name="undo",
        summary="Take back what landed. An undo is a checkpoint itself: undo it to have the change back.",
        arguments=args.UndoArguments,
        run="dspy_agent.tools.undo:run",
        render="dspy_agent.tools.apply:render",
        cost=0.1,
        cooldown=1,
        examples=("dspy-agent undo", "dspy-agent undo 3 --json"),
        notes="dspy_agent.tools.apply:notes",
        changes=True,
    ),
    Tool(
        name="checkpoints",
        summary="List what landed in this workspace, newest first.",
        arguments=args.CheckpointsArguments,
        run="dspy_agent.tools.checkpoints:run",
        render="dspy_agent.tools.checkpoints:render",
        cost=0.05,
        cooldown=5,
        examples=("dspy-agent checkpoints", "dspy-agent checkpoints --max 5 --json"),
        notes="dspy_agent.tools.checkpoints:notes",
    ),
)
