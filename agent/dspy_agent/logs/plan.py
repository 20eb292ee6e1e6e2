"""What to show of which logs: the plan of ``ctx``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dspy_agent.logs.find import Found, find_logs
from dspy_agent.logs.merge import fold, join
from dspy_agent.logs.remote import Contexts, RouterClient, RouterDown
from dspy_agent.logs.resolve import PathResolver
from dspy_agent.tools.amounts import count
from dspy_agent_core.contracts.results import LogContext, Unread
from dspy_agent_core.logs import ReducerOptions


@dataclass(frozen=True, slots=True)
class Plan:
    """What the arguments ask for: local logs, and the router if there is one."""

    apps: tuple[str, ...]
    workspace: Path
    logs: tuple[Path, ...]
    options: ReducerOptions
    resolve: PathResolver
    router: RouterClient | None
    everything: bool = False  # read all files, and all of each

    def find(self) -> Found:
        """Return the local logs of the apps."""
        return find_logs(self.workspace, self.logs, apps=self.apps, everything=self.everything)

    def joined(
        self, local: LogContext, remote: Contexts | Exception, times: Mapping[str, float]
    ) -> LogContext:
        """Return what both say; ``times`` dates local sources.

        Raises:
            WorkspaceError: the router knows none of the apps, and there are no local logs of them either.
        """
        url = self.router.url if self.router else ""
        unread = list(local.unread or ())
        if isinstance(remote, RouterDown):
            return replace(local, unread=[Unread(url, f"the router: {remote}"), *unread])
        if isinstance(remote, Exception):
            if local.files:
                return local
            raise remote
        if remote.trouble:
            unread.insert(0, Unread(url, f"the router: {remote.trouble}"))
        if remote.refused:
            unread.insert(0, Unread(url, f"{count(remote.refused, 'context')} of an unknown form"))
        unread += [Unread(app, "the router does not know this app") for app in remote.unknown]
        options = self.options
        told = fold(remote.contexts, options.level, options.since, self.resolve)
        apps = sorted({context.app for context in remote.contexts})
        both = join(local, told, times, options.limit, options.budget)
        return replace(both, apps=apps, unread=unread or None)
