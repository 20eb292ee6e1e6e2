"""The tools that find code, and what makes their index."""

from __future__ import annotations

from dspy_agent.tools import arguments as args
from dspy_agent.tools.base import Tool

FIND: tuple[Tool, ...] = (
    Tool(
        name="esearch",
        summary="Find the code that a few words or a name describe, best first. Needs no model.",
        arguments=args.EsearchArguments,
        run="dspy_agent.tools.esearch:run",
        render="dspy_agent.tools.esearch:render",
        cost=0.3,
        cooldown=3,
        examples=(
            "dspy-agent esearch --q 'retry a failed request'",
            "dspy-agent esearch Session.get -t py --json",
        ),
        notes="dspy_agent.tools.esearch:notes",
    ),
    Tool(
        name="vretr",
        summary="Find the code nearest in meaning, by vectors and words together.",
        arguments=args.VretrArguments,
        run="dspy_agent.tools.vretr:run",
        render="dspy_agent.tools.esearch:render",
        cost=0.5,
        cooldown=5,
        examples=(
            "dspy-agent vretr --query 'give up after too many failures'",
            "dspy-agent vretr 'rate limit' --no-text --json",
            "DSPY_AGENT_EMBEDDING_MODEL=ollama:nomic-embed-text dspy-agent vretr 'rate limit'",
        ),
        notes="dspy_agent.tools.vretr:notes",
    ),
    Tool(
        name="intel",
        summary="Gather what is known about a question: code, callers, tests and log events, with evidence.",
        arguments=args.IntelArguments,
        run="dspy_agent.tools.intel:run",
        render="dspy_agent.tools.intel:render",
        cost=1.0,
        cooldown=10,
        examples=(
            "dspy-agent intel --query 'why does checkout fail'",
            "dspy-agent intel 'session timeout' --budget 1500 --without vectors --json",
        ),
        reads_logs=True,
        notes="dspy_agent.tools.intel:notes",
    ),
    Tool(
        name="index",
        summary="Read the code for the searches. They do that by themselves; here it is told and watched.",
        arguments=args.IndexArguments,
        run="dspy_agent.tools.index:run",
        render="dspy_agent.tools.index:render",
        cost=5.0,
        cooldown=300,
        examples=("dspy-agent index", "dspy-agent index --status --json", "dspy-agent index --watch"),
        notes="dspy_agent.tools.index:notes",
        follow="dspy_agent.tools.index:follow",
    ),
    Tool(
        name="emb-index",
        summary="Make the vectors for vretr and intel. A session does that by itself, in the background.",
        arguments=args.EmbIndexArguments,
        run="dspy_agent.tools.emb_index:run",
        render="dspy_agent.tools.emb_index:render",
        cost=30.0,
        cooldown=600,
        examples=("dspy-agent emb-index", "dspy-agent emb-index --status --json"),
        notes="dspy_agent.tools.emb_index:notes",
    ),
)
