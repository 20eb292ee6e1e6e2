"""Whatever is wrong with what is learned, the answer is the same, and one sentence at most tells of it."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.hook import tool_ran
from dspy_agent.learning.log import Reader
from dspy_agent.learning.memory import NAME
from dspy_agent.learning.uses import Run
from dspy_agent.tools.arguments import ExtractArguments, GrepArguments
from dspy_agent_core.contracts.results import Hit, Hits
from tests.learning.kit import PROGRAM, dspy_agent, environment, events, project, used

INDEX = ".dspy_index"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A project that was indexed and not searched yet."""
    folder = project(tmp_path / "shop")
    (folder / INDEX).mkdir()
    return folder


def _log_is_a_folder(workspace: Path) -> None:
    (workspace / LOG_NAME).mkdir()


def _log_is_a_pipe(workspace: Path) -> None:
    os.mkfifo(workspace / LOG_NAME)


def _log_leads_elsewhere(workspace: Path) -> None:
    (workspace / LOG_NAME).symlink_to(workspace / "dates.py")


def _memory_is_a_folder(workspace: Path) -> None:
    (workspace / INDEX / NAME).mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        _log_is_a_folder,
        _log_is_a_pipe,
        _log_leads_elsewhere,
        _memory_is_a_folder,
    ],
)
def test_the_answer_is_the_same_and_one_sentence_tells(
    workspace: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(workspace)
    source = (workspace / "dates.py").read_text()
    plain = used("grep", "parse_date", cwd=workspace, DSPY_AGENT_LEARNING="off")
    said = used("grep", "parse_date", cwd=workspace)
    assert said.stdout == plain.stdout
    assert said.stderr.startswith("What was used could not be noted for learning: ")
    assert said.stderr.count("\n") == 1
    assert (workspace / "dates.py").read_text() == source
    session = dspy_agent(cwd=workspace, lines="grep parse_date\ngrep parse_date\n")
    assert session.stdout == 2 * plain.stdout
    assert session.stderr == said.stderr


def test_an_index_folder_that_leads_elsewhere_is_not_used(workspace: Path) -> None:
    (workspace / INDEX / f"{NAME}.new").symlink_to(workspace / "dates.py")
    source = (workspace / "dates.py").read_text()
    said = used("grep", "parse_date", cwd=workspace)
    assert said.stderr == ""
    assert (workspace / "dates.py").read_text() == source
    assert not (workspace / LOG_NAME).exists()


def test_a_full_disk_hurts_no_answer(workspace: Path) -> None:
    used("grep", "parse_date", cwd=workspace)
    limit = (workspace / LOG_NAME).stat().st_size + 10
    said = subprocess.run(
        [*PROGRAM, "grep", "parse_date"],
        cwd=workspace,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert said.returncode == 0
    assert "dates.py:1:" in said.stdout
    assert said.stderr.count("\n") == 1
    used("grep", "parse_date", cwd=workspace)
    reader = Reader(workspace / LOG_NAME)
    assert [event.tool for event in reader] == ["grep", "grep"]


@pytest.mark.parametrize("closed", [".", INDEX])
def test_what_may_not_be_written_is_not_written(workspace: Path, closed: str) -> None:
    unprivileged: list[str] = []
    if os.geteuid() == 0:  # without these capabilities, permissions hold for root too
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is needed to test permissions as root")
        unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    (workspace / closed).chmod(0o555)
    try:
        said = subprocess.run(
            [*unprivileged, *PROGRAM, "grep", "parse_date"],
            cwd=workspace,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert (said.returncode, said.stderr) == (0, "")
        assert not list(workspace.glob(f"{INDEX}/*"))
        assert not (workspace / LOG_NAME).exists()
    finally:
        (workspace / closed).chmod(0o755)


def test_a_stopped_process_holds_up_no_other(workspace: Path) -> None:
    used("grep", "parse_date", cwd=workspace)
    with (workspace / INDEX / f"{NAME}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = used("grep", "parse_date", cwd=workspace)
    assert "another process holds the lock" in said.stderr
    assert len(events(workspace)) == 1


def test_a_torn_log_and_a_damaged_memory_are_gone_on_with(workspace: Path) -> None:
    used("grep", "parse_date", cwd=workspace)
    with (workspace / LOG_NAME).open("ab") as log:
        log.write(b'{"schema_version":1,"id":"torn')
    (workspace / INDEX / NAME).write_bytes(b"\xff\0{")
    assert used("codectx", "dates.py", cwd=workspace).stderr == ""
    assert used("extract", "parse_date", cwd=workspace).stderr == ""
    reader = Reader(workspace / LOG_NAME)
    found = list(reader)
    assert [event.tool for event in found] == ["grep", "codectx", "codectx", "extract"]
    assert reader.passed_over == {"NotJson": 1}


def step(workspace: Path, number: int) -> None:
    """Search, then open each hit: 1 event and 4."""
    folder = workspace / INDEX
    hits = Hits([Hit(f"{number}-{rank}.py", line=1) for rank in range(4)])
    tool_ran(Run("grep", GrepArguments(f"{number}"), hits, 1.0, "cli"), workspace, folder)
    tool_ran(Run("extract", ExtractArguments(f"{number}"), hits, 1.0, "cli"), workspace, folder)


_STEPS = """
import sys
from pathlib import Path
from dspy_agent.learning import hook
from tests.learning.test_trouble import step
for number in range(100_000):
    step(Path(sys.argv[1]), number)
    if hook._noted:  # it waited too long for the lock, and said so
        break
    print(number, flush=True)
"""


def test_killed_at_any_moment_no_use_is_lost_that_was_told_and_none_told_twice(workspace: Path) -> None:
    told = 0
    for round in range(6):
        running = [
            subprocess.Popen(
                [sys.executable, "-c", _STEPS, str(workspace)], stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        for process in running:
            assert process.stdout is not None
            told += sum(process.stdout.readline() != "" for _ in range(3 + round))
        for process in running:
            process.send_signal(signal.SIGKILL)
        for process in running:
            assert process.stdout is not None
            told += len([line for line in process.stdout if line.endswith("\n")])
            process.wait()
            process.stdout.close()
    reader = Reader(workspace / LOG_NAME)
    found = list(reader)
    assert len({event.id for event in found}) == len(found)
    kinds = [str(event.outcome.get("use", event.tool)) for event in found]
    assert told <= kinds.count("grep") <= told + 12
    assert told <= kinds.count("extract") <= told + 12
    assert kinds.count("opened") >= 4  # one process may push the searches of a slow other one out
    decisions = {event.decision_id for event in found if "hits" in event.outcome}
    assert {event.decision_id for event in found} - decisions == set()
