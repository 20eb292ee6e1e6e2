"""The command line as a program: exit codes, where output goes, and errors in one sentence."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "from dspy_agent.cli.main import main; main()"]


def environment(**extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DSPY_AGENT_")}
    return {**kept, **extra}


def dspy_agent(*words: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words],
        cwd=cwd,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def main():\n    return 'needle'\n")
    (tmp_path / "notes.txt").write_text("a needle here\n")
    return tmp_path


def test_found_is_0_and_data_is_on_stdout(project: Path) -> None:
    result = dspy_agent("grep", "needle", cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["notes.txt:1:a needle here", "src/app.py:2:    return 'needle'"]


def test_json_is_one_object_without_empty_fields(project: Path) -> None:
    result = dspy_agent("grep", "needle", "notes.txt", "--json", cwd=project)
    assert json.loads(result.stdout) == {"hits": [{"path": "notes.txt", "line": 1, "text": "a needle here"}]}


@pytest.mark.parametrize(
    "words", [["grep", "nothing-like-it"], ["extract", "nothing_like_it"], ["codectx", "nothing"]]
)
def test_nothing_found_is_1_and_says_so(project: Path, words: list[str]) -> None:
    plain = dspy_agent(*words, cwd=project)
    assert (plain.returncode, plain.stdout) == (1, "")
    assert words[1] in plain.stderr
    as_json = dspy_agent(*words, "--json", cwd=project)
    assert as_json.returncode == 1
    assert not any(json.loads(as_json.stdout).values())


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["grep", "(", "--json"], "BadPattern", 2),
        (["grep", "x", "-g", "[", "--json"], "BadGlob", 2),
        (["grep", "x", "-t", "klingon", "--json"], "UnknownLanguage", 2),
        (["grep", "--json"], "BadUsage", 2),
        (["ls", "--nope", "--json"], "BadUsage", 2),
        (["tree", "--depth", "x", "--json"], "BadUsage", 2),
        (["nope", "--json"], "BadUsage", 2),
        (["stream", "nope", "--json"], "BadUsage", 2),
        (["ls", "nope", "--json"], "PathNotFound", 3),
        (["ls", "notes.txt", "--json"], "NotAFolder", 3),
        (["grep", "x", "../..", "--json"], "OutsideWorkspace", 3),
        (["codectx", "src", "--json"], "NotAFile", 3),
        (["codectx", "src/nope.py", "--json"], "PathNotFound", 3),
        (["ls", "--workspace", "nope", "--json"], "WorkspaceNotFound", 3),
        (["ls", "--workspace", "notes.txt", "--json"], "NotAFolder", 3),
    ],
)
def test_errors_are_one_sentence_and_a_next_step(
    project: Path, words: list[str], code: str, exit_code: int
) -> None:
    as_json = dspy_agent(*words, cwd=project)
    error = json.loads(as_json.stdout)["error"]
    assert (error["code"], as_json.returncode, as_json.stderr) == (code, exit_code, "")
    assert error["message"].endswith(".")
    assert error["next"]
    plain = dspy_agent(*[word for word in words if word != "--json"], cwd=project)
    assert (plain.returncode, plain.stdout) == (exit_code, "")
    assert plain.stderr.splitlines() == [f"error: {error['message']}", f"  next: {error['next']}"]


def test_a_misspelt_command_names_the_near_one(project: Path) -> None:
    assert "Did you mean: dspy-agent grep" in dspy_agent("gerp", "x", cwd=project).stderr
    assert "Did you mean: dspy-agent stream ctx" in dspy_agent("stream", "cxt", cwd=project).stderr


def test_the_workspace_comes_from_option_then_environment_then_here(project: Path) -> None:
    elsewhere = {"DSPY_AGENT_WORKSPACE": str(project / "src")}
    assert dspy_agent("ls", cwd=project).stdout == "notes.txt\nsrc/\n"
    assert dspy_agent("ls", cwd=project, **elsewhere).stdout == "app.py\n"
    assert dspy_agent("ls", "--workspace", ".", cwd=project, **elsewhere).stdout == "notes.txt\nsrc/\n"
    assert dspy_agent("--workspace", ".", "ls", cwd=project, **elsewhere).stdout == "notes.txt\nsrc/\n"


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    (project / "big.txt").write_text("needle and more words\n" * 200_000)
    with subprocess.Popen(
        [*PROGRAM, "grep", "needle", "--max-hits", "200000"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"big.txt:1:needle and more words\n"
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(timeout=60), said) == (141, b"")


def test_ctrl_c_ends_with_130_and_no_traceback(project: Path) -> None:
    code = (
        "import signal, sys; from dspy_agent.cli import main as m\n"
        "from dspy_agent.tools import ls\n"
        "def run(arguments, context):\n"
        "    print('ready', flush=True); signal.pause()\n"
        "ls.run = run; sys.argv = ['dspy-agent', 'ls']; m.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(timeout=60) == 130
        assert b"Traceback" not in said


def on_a_terminal(words: list[str], cwd: Path, **extra: str) -> bytes:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *words], cwd=cwd, env=environment(TERM="xterm", **extra), stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        said = b""
        while select.select([leader], [], [], 60)[0]:
            try:
                data = os.read(leader, 65536)
            except OSError:
                break
            if not data:
                break
            said += data
        process.wait(timeout=60)
    os.close(leader)
    return said


def test_colour_is_for_terminals_and_not_with_no_color(project: Path) -> None:
    assert b"\x1b[1m" in on_a_terminal(["extract", "main"], project)
    assert b"\x1b[3" not in on_a_terminal(["grep", "needle"], project, NO_COLOR="1")
    assert "\x1b" not in dspy_agent("extract", "main", cwd=project).stdout


def test_names_that_are_not_utf8_are_shown_escaped(project: Path) -> None:
    Path(os.fsdecode(os.fsencode(project) + b"/b\xff.txt")).write_bytes(b"needle\n")
    result = dspy_agent("grep", "needle", "--json", cwd=project)
    assert json.loads(result.stdout)["hits"][0]["path"] == "b\\xff.txt"
    assert "b\\xff.txt\n" in dspy_agent("ls", cwd=project).stdout


def test_json_is_utf8_whatever_the_locale(project: Path) -> None:
    (project / "notes.txt").write_text("needle ü 😀\n")
    result = subprocess.run(
        [*PROGRAM, "grep", "needle", "--json"],
        cwd=project,
        env=environment(PYTHONIOENCODING="latin-1"),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(result.stdout.decode("utf-8"))["hits"][0]["text"] == "needle ü 😀"


def test_version_and_help(project: Path) -> None:
    assert dspy_agent("--version", cwd=project).stdout.startswith("dspy-agent ")
    help = dspy_agent("grep", "-h", cwd=project)
    assert help.returncode == 0
    assert "--ignore-case" in help.stdout


def test_help_imports_nothing_heavy(project: Path) -> None:
    code = (
        "import sys; from dspy_agent.cli.main import run_command\n"
        "run_command(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name.partition(".")[0] for name in result.stderr.split()}
    heavy = {
        "rich",
        "pydantic",
        "kubernetes",
        "numpy",
        "tree_sitter",
        "prompt_toolkit",
        "asyncio",
        "yaml",
        "dspy",
    }
    assert not loaded & heavy


@pytest.mark.parametrize("with_ripgrep", [True, False])
def test_what_may_not_be_read_is_told(project: Path, with_ripgrep: bool) -> None:
    (project / "closed").mkdir(mode=0)
    (project / "src" / "app.py").chmod(0)
    unprivileged: list[str] = []
    if os.geteuid() == 0:  # without these capabilities, permissions hold for root too
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is needed to test permissions as root")
        unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    places = [str(Path(sys.executable).parent)] if with_ripgrep else []

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([*places, "/usr/bin", "/bin"])
        command = [*unprivileged, *PROGRAM, *words, "--json"]
        return subprocess.run(
            command,
            cwd=project,
            env=environment(PATH=path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    found = json.loads(run("grep", "needle").stdout)
    assert [hit["path"] for hit in found["hits"]] == ["notes.txt"]
    assert found["skipped"] == [
        {"path": "closed", "reason": "permission denied"},
        {"path": "src/app.py", "reason": "permission denied"},
    ]
    for words in (["ls", "closed"], ["codectx", "src/app.py"], ["ls", "--workspace", "closed"]):
        result = run(*words)
        assert (result.returncode, json.loads(result.stdout)["error"]["code"]) == (3, "PermissionDenied")
    (project / "closed").chmod(0o700)


@pytest.mark.parametrize("words", ["ls", "ls --json", "grep needle"])
def test_output_that_can_not_be_written_is_an_error_of_its_own(project: Path, words: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *words.split()], cwd=project, env=environment(), stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 70
    assert done.stderr == (
        b"error: The output can't be written: no space left on device.\n"
        b"  next: Make room there, or send the output elsewhere.\n"
    )


def test_a_session_tells_output_that_can_not_be_written(project: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            PROGRAM, cwd=project, env=environment(), input=b"ls\n", stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: The output can't be written")


@pytest.mark.parametrize(
    ("command", "code"),
    [("ls <&-", 0), ("ls >&-", 0), ("ls nope 2>&-", 3), ("<&-", 0), ("ctx --logs - <&-", 1)],
)
def test_a_closed_stream_is_an_empty_one(project: Path, command: str, code: int) -> None:
    words = "exec \"$0\" -c 'from dspy_agent.cli.main import main; main()' " + command
    done = subprocess.run(
        ["sh", "-c", words, sys.executable], cwd=project, env=environment(), capture_output=True, text=True
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_an_error_of_the_program_is_not_nothing_found(project: Path) -> None:
    broken = (
        "import sys; from dspy_agent.cli import main as m; from dspy_agent.tools import ls\n"
        "def run(arguments, context):\n    raise ValueError('odd')\n"
        "ls.run = run\nsys.exit(m.run_command(['ls', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken], cwd=project, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 70
    assert json.loads(done.stdout)["error"]["code"] == "Unexpected"
    assert "Traceback" in done.stderr
