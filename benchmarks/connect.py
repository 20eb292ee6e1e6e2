"""Time to the first remote byte: ``dspy-agent connect NAME -- command`` beside ``kubectl exec``.

Needs a ready workspace (`make demo` makes one) and kubectl. The two programs take turns, so that both
meet the same load. Goal: at most 300 ms more than kubectl.

    $ python benchmarks/connect.py --namespace team --workspace demo
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "connect.json"


def first_byte_seconds(command: list[str]) -> float:
    """Return the seconds from the start of ``command`` to its first byte on stdout."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        seconds = time.perf_counter() - start
        process.stdout.read()
    if not first or process.returncode:
        raise SystemExit(f"{command[0]} failed with {process.returncode}: run it by hand to see why")
    return seconds


def kubectl(*words: str) -> str:
    """Return what kubectl prints."""
    return subprocess.run(["kubectl", *words], check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Measure, print the medians and write the raw times."""
    parser = argparse.ArgumentParser(description="connect beside kubectl exec")
    parser.add_argument("--namespace", default="demo")
    parser.add_argument("--workspace", default="demo")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    where = ["-n", options.namespace]
    pod = kubectl(
        "get", "agentworkspace", options.workspace, *where, "-o", "jsonpath={.status.agent.podName}"
    )
    ours = str(Path(sys.executable).with_name("dspy-agent"))
    commands = {
        "connect": [ours, "connect", options.workspace, *where, "--", "echo", "x"],
        "kubectl": ["kubectl", "exec", *where, pod, "-c", "agent", "--", "echo", "x"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        first_byte_seconds(command)  # warms the page cache
    for _ in range(options.rounds):
        for name, command in commands.items():
            times[name].append(first_byte_seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    extra = medians["connect"] - medians["kubectl"]
    print(
        f"median of {options.rounds}: connect {medians['connect']:.3f} s, kubectl {medians['kubectl']:.3f} s"
    )
    print(f"connect takes {extra * 1000:.0f} ms more (goal: at most 300)")
    version = json.loads(kubectl("version", "-o", "json"))
    RESULTS.parent.mkdir(exist_ok=True)
    record = {
        "goal": "connect <= kubectl exec + 0.3 s",
        "extra_seconds": extra,
        "medians": medians,
        "seconds": times,
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "kubectl": version["clientVersion"]["gitVersion"],
        "server": version["serverVersion"]["gitVersion"],
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
