"""``stream trainer``: keep what a workspace learns in step with the other agents of the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from dspy_agent.cli.stream.common import BootstrapOption, ConfigOption, PortOption, PrefixOption
from dspy_agent.cli.tool_commands import WorkspaceOption

_EPILOG: Final = """$ dspy-agent stream trainer --bootstrap localhost:9092

$ RL_BACKGROUND_STEPS=16 dspy-agent stream trainer --workspace shop --once"""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("trainer", epilog=_EPILOG)(trainer)


def trainer(
    once: Annotated[bool, typer.Option("--once", help="Take what is there now, and end.")] = False,
    workspace: WorkspaceOption = Path(),
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    kafka_config: ConfigOption = None,
    http_port: PortOption = 0,
) -> int:
    """Share what agents of a workspace learn (agent.learning), and keep its state file current.

    Own steps are sent, those of other agents are learned from, each once; sessions see it at once. A snapshot
    is made each RL_BACKGROUND_STEPS events (64). Without a broker only the state file is kept.
    """
    from dspy_agent.learning.place import make_learning_folder
    from dspy_agent.learning.policy_state import background_steps
    from dspy_agent.streams.program import Program
    from dspy_agent.streams.trainer import Trainer
    from dspy_agent.workspace.paths import open_workspace
    from dspy_agent_core.contracts.topics import Topics
    from dspy_agent_core.streams.settings import StreamSettings, stream_settings

    place = open_workspace(workspace)
    folder = make_learning_folder(place)
    if bootstrap:
        settings = stream_settings(bootstrap, prefix, (), kafka_config)
    else:
        settings = StreamSettings("", Topics(prefix), (), {})
    with Program("stream-trainer", settings, http_port) as program:
        Trainer(program, settings, place, folder, steps=background_steps(), once=once).run()
    return 0
