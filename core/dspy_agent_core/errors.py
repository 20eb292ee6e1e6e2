"""Every error that a user can meet, in one tree.

    AgentError             something went wrong; carries a code, one sentence and the next step (exit 70)
    ├── UsageError         the words of the command are off (exit 2)
    ├── WorkspaceError     the folder, a path in it, or a file can't be used (exit 3)
    ├── MissingRequirement something that this machine should have is missing (exit 4)
    ├── ModelError         the model server is absent, or its answer can't be used (exit 5)
    └── ClusterError       the cluster refuses, or does not have, what was asked for (exit 6)

A tool that finds nothing raises no error: it returns an empty result (exit 1, like grep).
"""

from __future__ import annotations


class AgentError(Exception):
    """An error that is told to the user.

    Args:
        message: one sentence: what is wrong.
        code: a stable CamelCase name for programs, such as ``PathNotFound``.
        next: the next step for the user: a command, or what to change.
    """

    exit_code = 70

    def __init__(self, message: str, *, code: str, next: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.next = next

    def to_json(self) -> dict[str, dict[str, str]]:
        """Return the ``{"error": {"code", "message", "next"}}`` object of ``--json``."""
        return {"error": {"code": self.code, "message": self.message, "next": self.next}}


class UsageError(AgentError):
    """The words of the command are off."""

    exit_code = 2


class WorkspaceError(AgentError):
    """The workspace folder, or a path in it, can't be used."""

    exit_code = 3


class MissingRequirement(AgentError):
    """Something that this machine should have is missing."""

    exit_code = 4


class ModelError(AgentError):
    """The model server is absent, or its answer can't be used."""

    exit_code = 5


class ClusterError(AgentError):
    """The cluster refuses, or does not have, what was asked for."""

    exit_code = 6
