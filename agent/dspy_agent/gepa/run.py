"""What training and evaluation share: examples in parts, a locked folder, and a model to ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent.gepa.adapter import Student
from dspy_agent.gepa.journal import writing
from dspy_agent.gepa.tasks import TASKS
from dspy_agent.model.access import Model, open_model
from dspy_agent.modules.registry import ModuleName
from dspy_agent.modules.seal import make_users_key
from dspy_agent.modules.state import make_folder
from dspy_agent.workspace.atomic import exclusive
from dspy_agent_core.errors import WorkspaceError

if TYPE_CHECKING:
    import dspy

MOST_EXAMPLES: Final = 48


@dataclass(frozen=True, slots=True)
class Options:
    """What training and evaluation are asked for.

    Args:
        module: its name.
        workspace, logs: where its examples come from.
        calls: how many questions to the model there may be.
        seconds: how long it may take; None: as long as it takes.
        seed: draws the parts, and all that GEPA draws.
        examples: at most so many, in all parts together.
        model: what is trained for; None: the one of the settings.
        reflection_model: proposes the instructions; None: the model itself.
    """

    module: ModuleName
    workspace: Path
    logs: tuple[Path, ...] = ()
    calls: int = 150
    seconds: float | None = None
    seed: int = 1
    examples: int = MOST_EXAMPLES
    model: str | None = None
    reflection_model: str | None = None


@contextmanager
def locked_folder(workspace: Path, module: str) -> Iterator[tuple[Path, bytes]]:
    """Hold the folder of what is trained, for ``module``; yield it, and the user's key.

    Raises:
        WorkspaceError: it can't be used, or another training of the module runs.
    """
    with ExitStack() as stack:
        with writing():
            folder = make_folder(workspace)
            key = make_users_key()
            held = stack.enter_context(exclusive(folder / f"{module}.lock", wait=False))
        if not held:
            raise WorkspaceError(
                f"The module {module} is being trained or evaluated here already.",
                code="AlreadyRunning",
                next="Wait until that ends, or stop it: it can go on later.",
            )
        yield folder, key


def open_student(options: Options, module: dspy.Module) -> tuple[Model, Student]:
    """Return the model, and ``module`` ready to be asked by it.

    Raises:
        ModelError: the server is absent, or does not have the model.
    """
    task = TASKS[options.module]
    model = open_model(options.workspace, overrides={"name": options.model})

    def asking() -> AbstractContextManager[None]:
        return model.answering(answer_tokens=task.answer_tokens, temperature=0.0, seed=options.seed)

    return model, Student(module, task.load_metric(), options.workspace, asking)
