"""Makes the environments and runs a step of the benchmark in the right one.

$ uv run --group dev python -m benchmarks.bandit tune     # each system on the tuning sets
$ uv run --group dev python -m benchmarks.bandit play     # all sets with what was chosen
$ uv run --group dev python -m benchmarks.bandit time     # µs of act and learn
$ uv run --group dev python -m benchmarks.bandit judge    # our estimates beside obp's
"""

from __future__ import annotations

import sys

from benchmarks.bandit.places import obp_python, peers_python, within


def main() -> None:
    """Run the step that the command line names, with the rest of it."""
    step, rest = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    if step in ("tune", "play"):
        within(peers_python(), "benchmarks.bandit.rewards", step, *rest)
    elif step == "time":
        within(peers_python(), "benchmarks.bandit.times", *rest)
    elif step == "judge":
        within(obp_python(), "benchmarks.bandit.judge", *rest)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
