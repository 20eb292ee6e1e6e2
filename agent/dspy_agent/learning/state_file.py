"""The state file of the policy: a learner, and how far in the event log it reaches.

It is a sealed state (``dspy_agent_core.bandit.state``), so that damage at any byte is seen, and told from a
later version. In it: ``{"log": {"offset", "head", "tail"}, "start", "learner"}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from dspy_agent.learning.log_mark import LogMark

HEAD_BYTES: Final = 256
_REACH: Final = re.compile(
    rb'\{"schema_version":\d+,"digest":"[0-9a-f]+","state":\{"log":\{"offset":(\d{1,18}),'
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``learner`` (its snapshot) has learned all up to ``mark`` of the log.

    ``start``, of ``fold_print``: another prior, or another version, makes another state of the same events.
    """

    mark: LogMark
    start: str
    learner: Mapping[str, Any]

    def encode(self) -> bytes:
        """Return the file's content."""
        from dspy_agent_core.bandit.state import seal

        return seal({"log": asdict(self.mark), "start": self.start, "learner": self.learner})

    @classmethod
    def decode(cls, data: bytes) -> Snapshot:
        """Return what the file holds.

        Raises:
            StateError: it is damaged, or a later version wrote it.
        """
        from dspy_agent_core.bandit.state import damaged, unseal

        state = unseal(data)
        try:
            return cls(LogMark(**state["log"]), state["start"], state["learner"])
        except (TypeError, KeyError):
            raise damaged() from None


def reach(start: bytes) -> int:
    """Return how far into the log a state file reaches whose first bytes these are; 0 if they don't tell.

    Light: neither numpy nor pydantic is imported.
    """
    found = _REACH.match(start)
    return int(found[1]) if found else 0
