"""The ``gepa`` commands: train a module's instructions on the workspace's own history, and compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from dspy_agent.cli.output import FOUND, NOTHING_FOUND, print_json
from dspy_agent.cli.tool_commands import JsonOption, LogsOption, WorkspaceOption
from dspy_agent.tools.think_arguments import ModelOption
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.contracts.results import to_jsonable

if TYPE_CHECKING:
    from dspy_agent.gepa.results import EvalResult, TrainResult
    from dspy_agent.gepa.run import Options

gepa = typer.Typer(
    name="gepa",
    help="Train what the model is told, on this workspace's own history.",
    rich_markup_mode=None,
)

_TRAIN_EPILOG: Final = """\
$ dspy-agent gepa train --module plan

$ dspy-agent gepa train --module context --logs /var/log/app --seconds 1800

$ dspy-agent gepa train --module router --model qwen3:1.7b --reflection-model qwen3:8b --calls 400"""
_EVAL_EPILOG: Final = """\
$ dspy-agent gepa eval --module plan

$ dspy-agent gepa eval --module plan --json"""

ModuleOption = Annotated[
    Literal["context", "plan", "code", "router"],
    typer.Option(
        "--module",
        show_default=False,
        help="What is trained: advice on logs, plans, code, or the choice of tools.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Draws the parts, and what is tried.")]


def register(app: typer.Typer) -> None:
    """Add the group to ``app``."""
    gepa.command("train", epilog=_TRAIN_EPILOG)(train)
    gepa.command("eval", epilog=_EVAL_EPILOG)(evaluate)
    app.add_typer(gepa)


def train(
    context: typer.Context,
    module: ModuleOption,
    calls: Annotated[
        int, typer.Option("--calls", min=1, metavar="N", help="Ask the model at most so often.")
    ] = 150,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1, show_default=False, help="Take at most so long.")
    ] = None,
    model: ModelOption = None,
    reflection_model: Annotated[
        str | None,
        typer.Option(
            "--reflection-model",
            metavar="NAME",
            show_default=False,
            help="The model of the same server that proposes instructions. Default: the model itself.",
        ),
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", min=9, max=1000, help="Use at most so many, in all parts together.")
    ] = 48,
    seed: SeedOption = 1,
    workspace: WorkspaceOption = Path(),
    logs: LogsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Find better instructions for a module, and keep them if they are better here.

    Examples come from the workspace's commits, code, logs and use; plain code checks the answers. What is
    kept lies in .dspy_gepa and is used from then on. Stopped or killed, the same command goes on.
    """
    from dspy_agent.gepa.train import train as run

    options = _options(
        context,
        module,
        calls=calls,
        seconds=seconds,
        seed=seed,
        examples=examples,
        model=model,
        reflection_model=reflection_model,
    )
    try:
        result = run(options, _say)
    except KeyboardInterrupt:
        _say("what was answered is kept: the same command goes on from here")
        raise
    if as_json:
        print_json(to_jsonable(result))
    else:
        sys.stdout.write("\n".join(_train_lines(result)) + "\n")
    return FOUND if result else NOTHING_FOUND


def evaluate(
    context: typer.Context,
    module: ModuleOption,
    examples: Annotated[
        int, typer.Option("--examples", min=3, max=1000, help="Use at most so many; each is asked twice.")
    ] = 24,
    model: ModelOption = None,
    workspace: WorkspaceOption = Path(),
    logs: LogsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare the trained module with the one that ships, on examples that training never saw."""
    from dspy_agent.gepa.evaluate import evaluate as run

    result = run(_options(context, module, examples=examples, model=model), _say)
    if as_json:
        print_json(to_jsonable(result))
    else:
        sys.stdout.write("\n".join(_eval_lines(result)) + "\n")
    return FOUND


def _options(context: typer.Context, module: Any, **others: Any) -> Options:
    from dspy_agent.gepa.run import Options

    workspace = Path(_given(context, "workspace"))
    logs = tuple(map(Path, _given(context, "logs") or ()))
    return Options(module, open_workspace(workspace), logs, **others)


def _given(context: typer.Context, name: str) -> Any:
    """Return an option's value, or the one before the command's name: ``--workspace D gepa train``."""
    root = context.find_root()
    own, before = (getattr(one.get_parameter_source(name), "name", "") for one in (context, root))
    return (root if before == "COMMANDLINE" != own else context).params[name]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _train_lines(result: TrainResult) -> list[str]:
    scores = [f"{score:.3f}" for score in (result.before, result.after) if score is not None]
    lines = [
        f"{result.module}: {' -> '.join(scores) or 'no score'} on {result.examples['validation']} examples"
    ]
    lines.append(result.why)
    if result.kept:
        lines += [f"  {name}: {text}" for name, text in result.instructions.items()]
    return [*lines, f"next: {result.next}"]


def _eval_lines(result: EvalResult) -> list[str]:
    few = " They are few: more may tell otherwise." if result.examples < 20 else ""
    says = {
        "better": "The trained one is better.",
        "worse": "The trained one is worse.",
        "no difference": "No difference can be told from these examples.",
    }
    return [
        f"{result.module} on {result.examples} held-out examples with {result.model}",
        f"  as it ships  {result.shipped:.3f}",
        f"  trained      {result.trained:.3f}",
        f"  difference   {result.difference:+.3f} (95 %: {result.low:+.3f} to {result.high:+.3f}), "
        f"{result.better} better, {result.worse} worse",
        f"{says[result.verdict]}{few}",
        *(f"  still wrong: {text}" for text in result.worst),
        f"next: {result.next}",
    ]
