"""The ``rl`` commands: what the suggestions have learned from use, and why they are what they are."""

from __future__ import annotations

import typer

from dspy_agent.cli.rl import curve, evaluate, explain, prior, reset, status, thumbs

rl = typer.Typer(
    name="rl",
    help="What the suggested tools have learned from use here: see it, judge it, share it.",
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the group to ``app``."""
    for module in (status, explain, curve, evaluate, thumbs, reset, prior):
        module.register(rl)
    app.add_typer(rl)
