"""The tools that ask a model, and what they are helped by: commands that are run, lessons."""

from __future__ import annotations

from dspy_agent.tools import think_arguments as args
from dspy_agent.tools.base import Tool

THINK: tuple[Tool, ...] = (
    Tool(
        name="plan",
        summary="Plan a task in steps that can be taken here: action, file, command, risk and check.",
        arguments=args.PlanArguments,
        run="dspy_agent.tools.plan:run",
        render="dspy_agent.tools.plan:render",
        cost=30.0,
        cooldown=60,
        examples=(
            "dspy-agent plan 'make the retry of failed requests configurable'",
            "dspy-agent plan why does checkout fail --json",
        ),
        reads_logs=True,
        notes="dspy_agent.tools.plan:notes",
    ),
    Tool(
        name="chat",
        summary="Carry out a task in plain words: a model chooses tools, and answers from what they show.",
        arguments=args.ChatArguments,
        run="dspy_agent.tools.chat:run",
        render="dspy_agent.tools.chat:render",
        cost=60.0,
        cooldown=60,
        examples=(
            "dspy-agent chat 'where is the session cookie signed?'",
            "dspy-agent chat 'fix the crash in parse_date and run the tests' --approval auto",
        ),
        reads_logs=True,
        notes="dspy_agent.tools.chat:notes",
    ),
    Tool(
        name="suggest",
        summary="Suggest the tool for a task, by what has helped here: its command, why, and the next best.",
        arguments=args.SuggestArguments,
        run="dspy_agent.tools.suggest:run",
        render="dspy_agent.tools.suggest:render",
        cost=0.2,
        cooldown=0,
        examples=(
            "dspy-agent suggest 'where is the session cookie signed?'",
            "dspy-agent suggest why does checkout fail --json",
        ),
        reads_logs=True,
        notes="dspy_agent.tools.suggest:notes",
    ),
    Tool(
        name="run",
        summary="Run a command in a sandbox: no network, and only the workspace can be written.",
        arguments=args.RunArguments,
        run="dspy_agent.tools.run:run",
        render="dspy_agent.tools.run:render",
        cost=10.0,
        cooldown=5,
        examples=("dspy-agent run 'make test'", "dspy-agent run --json -- python -m pytest -q tests"),
        notes="dspy_agent.tools.run:notes",
        changes=True,
    ),
    Tool(
        name="memory",
        summary="Show what was learned here: what worked, what failed, facts and preferences.",
        arguments=args.MemoryArguments,
        run="dspy_agent.tools.memory:run",
        render="dspy_agent.tools.memory:render",
        cost=0.01,
        cooldown=0,
        examples=(
            "dspy-agent memory",
            "dspy-agent memory --add 'Tests run with make unit' --kind worked --path Makefile",
            "dspy-agent memory --forget 1a2b3c4d",
        ),
        notes="dspy_agent.tools.memory:notes",
    ),
)
