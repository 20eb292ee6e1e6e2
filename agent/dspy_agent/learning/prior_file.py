"""The workspace's prior: what a team has learned elsewhere, as a file that may be committed with the code.

Without one, the prior that ships with the program is where learning starts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import WorkspaceError

if TYPE_CHECKING:
    from dspy_agent_core.bandit.prior import Prior

PRIOR_NAME: Final = ".dspy_rl_prior.json"
_SHIPPED: Final = Path(__file__).parents[1] / "suggest" / "prior.json"
_MOST_BYTES: Final = 4 << 20


def prior_of(workspace: Path, say: Callable[[str], None]) -> Prior:
    """Return the prior to start from; one of the workspace that can't be used is told of and passed over."""
    path = workspace / PRIOR_NAME
    try:
        return read_prior(path)
    except FileNotFoundError:
        return shipped_prior()
    except (OSError, WorkspaceError) as error:
        why = error.message if isinstance(error, WorkspaceError) else f"It can't be read: {error.strerror}."
        say(f"{PRIOR_NAME} is not used: {why}")
        return shipped_prior()


def read_prior(path: Path) -> Prior:
    """Return the prior in a file.

    Raises:
        OSError: it can't be read.
        WorkspaceError: it is none, or of another version.
    """
    from dspy_agent_core.bandit.prior import Prior

    with open_regular(path) as file:
        return Prior.decode(file.read(_MOST_BYTES))


def import_prior(workspace: Path, path: Path) -> Prior:
    """Make the prior in the file ``path`` that of ``workspace``, and return it.

    What the workspace itself has learned stays: its events are learned again, over the new prior.

    Raises:
        WorkspaceError: it is no prior, or can't be read or written.
    """
    try:
        prior = read_prior(path)
        write_atomic(workspace / PRIOR_NAME, [prior.encode()])
    except OSError as error:
        raise _unusable(path, error) from None
    return prior


def export_prior(prior: Prior, path: Path) -> None:
    """Write ``prior`` to the file ``path``.

    Raises:
        WorkspaceError: it can't be written.
    """
    try:
        write_atomic(path, [prior.encode()])
    except OSError as error:
        raise _unusable(path, error) from None


@cache
def shipped_prior() -> Prior:
    """Return the prior that ships with the program."""
    from dspy_agent_core.bandit.prior import Prior

    try:
        return Prior.decode(_SHIPPED.read_bytes())
    except FileNotFoundError:
        return Prior.flat()


def _unusable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The prior {path} can't be read or written: {(error.strerror or str(error)).lower()}.",
        code="PriorUnusable",
        next="Name a file that can be: dspy-agent rl export FILE, then rl import FILE.",
    )
