"""The ``stream`` commands: log lines to contexts to results, over Kafka."""

from __future__ import annotations

import typer

from dspy_agent.cli.stream import ctx, dlq, router, tail, topics, trainer, worker

stream = typer.Typer(
    name="stream",
    help="Log streams over Kafka: lines in, the events that matter out.",
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the group to ``app``."""
    ctx.register(stream)
    tail.register(stream)
    dlq.register(stream)
    topics.register(stream)
    worker.register(stream)
    trainer.register(stream)
    router.register(stream)
    app.add_typer(stream)
