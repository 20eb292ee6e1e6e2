"""What a step of the conversation loop costs beside the model and the tool.

    uv run --group dev python benchmarks/loop_overhead.py

A server of our own, in a process of its own, answers at once over real HTTP; the tool is ``grep`` over a
copy of the agent's source. All else of a step counts: the suggestion, the prompt, DSPy and the adapter,
the schema, the answer's parsing, the observation, the learning event and the trajectory, both flushed to
disk. Not counted: what the client waits for the server (``Usage.seconds``), and the tool. The first step
of a task also looks up what its words name in the workspace (two searches), that of a process also
imports DSPy: they are told apart.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the fake server lies with the tests

from dspy_agent.index.shared import current_index  # noqa: E402
from dspy_agent.loop.approval import Approver  # noqa: E402
from dspy_agent.loop.converse import Setting, Talk  # noqa: E402
from dspy_agent.loop.limits import Limits  # noqa: E402
from dspy_agent.loop.show import Teller  # noqa: E402
from dspy_agent.loop.step import Step  # noqa: E402
from dspy_agent.model.access import open_model  # noqa: E402
from dspy_agent.suggest.bandit import BanditSuggester  # noqa: E402
from dspy_agent.tools.base import ToolContext  # noqa: E402

TALKS, STEPS, GOAL_MS = 10, 20, 30
RESULTS = Path(__file__).parent / "results" / "loop-overhead.json"
TASK = "where are the observations cut to the budget?"
SERVER = """
import itertools, json, time
from tests.support.fake_model import FakeModelServer
numbers = itertools.count()
def answer(request):
    fields = (request["body"].get("format") or {}).get("properties", {})
    if "word" in fields:
        return json.dumps({"word": fields["word"]["enum"][0]})
    step = {"tool": "grep", "pattern": f"budget_{next(numbers)}|def observe"}
    return json.dumps({"why": "it fits", "step": step}) if "step" in fields else "It is in observe [1]."
with FakeModelServer(answer) as server:
    print(server.url, flush=True)
    time.sleep(3600)
"""


def talk(workspace: Path) -> tuple[list[Step], float]:
    """Hold a conversation; return its steps and all of its wall time in milliseconds."""
    limits = Limits(steps=STEPS, seconds=600, tokens=1 << 30)
    model = open_model(workspace, progress=lambda text: None)
    started = time.perf_counter()
    setting = Setting(
        ToolContext(workspace), model, BanditSuggester(), Approver(), Teller(io.StringIO(), True), limits
    )
    found = Talk(TASK, setting).hold()
    return found.steps, 1000 * (time.perf_counter() - started)


def measure(folder: Path) -> list[list[Step]]:
    """Return the steps of each conversation, in a copy of the agent's source with an index."""
    workspace = folder / "workspace"
    shutil.copytree(ROOT / "agent" / "dspy_agent", workspace, ignore=shutil.ignore_patterns("__pycache__"))
    current_index(workspace)
    server = subprocess.Popen([sys.executable, "-c", SERVER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        os.environ |= {"USE_OLLAMA": "1", "OLLAMA_HOST": server.stdout.readline().strip()}
        os.environ |= {"OLLAMA_MODEL": "small", "XDG_CACHE_HOME": str(folder / "cache")}
        return [talk(workspace)[0] for _ in range(TALKS)]
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Measure, print a table, write the raw numbers."""
    with tempfile.TemporaryDirectory() as folder:
        talks = measure(Path(folder))
    first = talks[0][0].overhead_ms
    later = [step.overhead_ms for steps in talks for step in steps[1:]]
    begins = [steps[0].overhead_ms for steps in talks[1:]]
    tools = [step.tool_ms for steps in talks for step in steps]
    rows = {"each step": later, "first steps of a task": begins, "(the tool, not counted)": tools}
    print(f"{'what':<26} {'median ms':>10} {'p90 ms':>8} {'p99 ms':>8}")
    for name, values in rows.items():
        cuts = statistics.quantiles(values, n=100)
        print(f"{name:<26} {statistics.median(values):>10.1f} {cuts[89]:>8.1f} {cuts[98]:>8.1f}")
    print(f"first step of the process: {first:.0f} ms")
    facts = {
        "talks": TALKS,
        "steps": STEPS,
        "goal_ms": GOAL_MS,
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "dspy": version("dspy"),
        "overhead_ms": [[round(step.overhead_ms, 2) for step in steps] for steps in talks],
        "tool_ms": [[round(step.tool_ms, 2) for step in steps] for steps in talks],
    }
    RESULTS.write_text(json.dumps(facts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
