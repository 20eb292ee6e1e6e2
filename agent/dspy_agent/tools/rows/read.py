"""The tools that read files and logs."""

from __future__ import annotations

from dspy_agent.tools import arguments as args
from dspy_agent.tools.base import Tool

READ: tuple[Tool, ...] = (
    Tool(
        name="ls",
        summary="List the files of a folder.",
        arguments=args.LsArguments,
        run="dspy_agent.tools.ls:run",
        render="dspy_agent.tools.ls:render",
        cost=0.01,
        cooldown=0,
        examples=("dspy-agent ls src", "dspy-agent ls --json"),
        notes="dspy_agent.tools.ls:notes",
    ),
    Tool(
        name="tree",
        summary="Show a folder and what is below it, with sizes and counts.",
        arguments=args.TreeArguments,
        run="dspy_agent.tools.tree:run",
        render="dspy_agent.tools.tree:render",
        cost=0.1,
        cooldown=0,
        examples=("dspy-agent tree", "dspy-agent tree src --depth 2"),
        notes="dspy_agent.tools.tree:notes",
    ),
    Tool(
        name="grep",
        summary="Find the lines that match a regular expression, as ripgrep does.",
        arguments=args.GrepArguments,
        run="dspy_agent.tools.grep:run",
        render="dspy_agent.tools.grep:render",
        cost=0.1,
        cooldown=2,
        examples=("dspy-agent grep 'def \\w+_test' tests", "dspy-agent grep -F 'a[0]' -g '*.py' -C 2 --json"),
        notes="dspy_agent.tools.grep:notes",
    ),
    Tool(
        name="extract",
        summary="Print the source of a function, class or method.",
        arguments=args.ExtractArguments,
        run="dspy_agent.tools.extract:run",
        render="dspy_agent.tools.extract:render",
        cost=0.3,
        cooldown=0,
        examples=("dspy-agent extract Session.get", "dspy-agent extract src/app.py:main --json"),
        notes="dspy_agent.tools.extract:notes",
    ),
    Tool(
        name="codectx",
        summary="Say what a file or symbol is, who uses it, what tests it, what changed it last.",
        arguments=args.CodectxArguments,
        run="dspy_agent.tools.codectx:run",
        render="dspy_agent.tools.codectx:render",
        cost=0.5,
        cooldown=0,
        examples=("dspy-agent codectx src/app.py", "dspy-agent codectx Session.get --json"),
        notes="dspy_agent.tools.codectx:notes",
    ),
    Tool(
        name="ctx",
        summary="Show the key events of the logs: exceptions, errors and warnings, grouped, newest first.",
        arguments=args.CtxArguments,
        run="dspy_agent.tools.ctx:run",
        render="dspy_agent.tools.ctx_view:render",
        cost=1.0,
        cooldown=5,
        examples=(
            "dspy-agent ctx",
            "dspy-agent ctx --logs /var/log/app --since 2h --json",
            "kubectl logs -f deploy/app | dspy-agent ctx --logs - --follow",
            "DSPY_AGENT_ROUTER=http://router:8645 dspy-agent ctx --app web --follow --json",
        ),
        reads_logs=True,
        notes="dspy_agent.tools.ctx_view:notes",
        follow="dspy_agent.tools.ctx:follow",
    ),
)
