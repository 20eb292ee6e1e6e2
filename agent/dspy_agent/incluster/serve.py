"""The agent container's first process: answers the probes and keeps the container there to connect to."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from dspy_agent.incluster.health import serve_probes
from dspy_agent_core.contracts.cluster import AGENT_PORT, SOURCE_DIR


def not_ready_cause(workspace: Path) -> str | None:
    """Return why sessions can't work in ``workspace``, or None if they can."""
    if not workspace.is_dir():
        return f"{workspace} is not there"
    if not os.access(workspace, os.R_OK | os.W_OK | os.X_OK):
        return f"{workspace} is not writable"
    return None


def main() -> None:
    """Serve until SIGTERM or SIGINT; reap the orphans that ended sessions leave to process 1."""
    workspace = Path(os.environ.get("DSPY_AGENT_WORKSPACE", SOURCE_DIR))
    port = int(os.environ.get("DSPY_AGENT_PROBE_PORT", AGENT_PORT))
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = serve_probes(port, lambda: not_ready_cause(workspace))
    sys.stderr.write(f"serving {workspace}; probes at port {server.server_port}\n")
    _reap()  # what ended before SIGCHLD was blocked has sent none
    while signal.sigwait(signals) == signal.SIGCHLD:
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
