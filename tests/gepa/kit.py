"""What the tests of training share: a project with a history, and a model that the right words help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.fake_model import FakeModelServer

PROGRAM = [sys.executable, "-c", "from dspy_agent.cli.main import main; main()"]
_TOPICS = (
    "invoice parcel refund coupon basket address currency payment receipt stock voucher delivery customer "
    "warehouse discount shipment"
)
TOPICS = tuple(_TOPICS.split())
MAGIC = "Name the file that the task speaks of in an edit step."


def git(*words: str, cwd: Path) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *words], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


def shop(folder: Path, topics: tuple[str, ...] = TOPICS, *, history: bool = True) -> Path:
    """Make a project with a module for each topic, and a commit for each module."""
    (folder / "tests").mkdir(parents=True)
    if history:
        git("init", "--quiet", cwd=folder)
    for topic in topics:
        (folder / f"{topic}.py").write_text(
            f'def total_{topic}(items):\n    """Return the total of each {topic} in items."""\n'
            f"    found = 0\n    for item in items:\n        found = found + item\n    return found\n"
        )
        (folder / "tests" / f"test_{topic}.py").write_text(
            f"from {topic} import total_{topic}\n\n\n"
            f"def test_total_{topic}():\n    assert total_{topic}([1, 2]) == 3\n"
        )
        if history:
            git("add", ".", cwd=folder)
            git("commit", "--quiet", "-m", f"Count the total of every {topic} once only", cwd=folder)
    return folder


def environment(home: Path, server: FakeModelServer, **extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DSPY_AGENT_", "XDG_", "OPENAI_"))}
    return {**kept, **server.environment(), "HOME": str(home), "COLUMNS": "120", **extra}


def asked(server: FakeModelServer) -> int:
    """Return how many questions were asked, those left out that find out what the model can do."""
    return sum("# task" in text or _IMPROVE in text for text in map(_text, server.requests))


_IMPROVE = "You improve the instruction of an assistant"


def _text(request: dict[str, Any]) -> str:
    return "\n".join(message["content"] for message in request["body"].get("messages", []))


def proposes(request: dict[str, Any]) -> bool:
    """Return whether a better instruction is asked for."""
    return _IMPROVE in _text(request)


def planner(request: dict[str, Any]) -> str:
    """Answer as a model that plans well only where it is told how, and proposes that sooner or later."""
    text = _text(request)
    if proposes(request):
        return f"Plan in 2 to 5 steps. First read, then edit, then test. {MAGIC}"
    task = re.search(r"total of (?:every|each) (\w+)", text)
    topic = task[1] if task else "none"
    path = f"{topic}.py" if MAGIC in text else ""
    test = f"python -m pytest tests/test_{topic}.py"
    steps = [
        {"action": "read", "path": path, "command": "ls", "risk": "low", "check": "it is shown"},
        {"action": "edit", "path": path, "command": "", "risk": "low", "check": "it is changed"},
        {"action": "test", "path": "", "command": test, "risk": "low", "check": "it passes"},
    ]
    return json.dumps({"summary": "Change the sum.", "steps": steps})
