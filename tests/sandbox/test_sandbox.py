"""Commands that mean harm: in each kind of sandbox that this machine allows."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dspy_agent.sandbox import levels, run
from dspy_agent.sandbox.run import Ran, run_sandboxed

DEADLINE = 30.0
CONFINING = ("namespaces", "landlock", *(("bubblewrap",) if shutil.which("bwrap") else ()))

Run = Callable[..., Ran]


@pytest.fixture(params=CONFINING)
def how(request: pytest.FixtureRequest) -> str:
    if not levels.works(request.param):
        pytest.skip(f"{request.param} does not work here")
    return str(request.param)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def shell(how: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(run, "level", lambda: how)

    def call(script: str, *, seconds: float = 20, writable: bool = True, max_output: int = 20_000) -> Ran:
        return run_sandboxed(
            ["sh", "-c", script],
            workspace=workspace,
            cwd=workspace,
            seconds=seconds,
            max_output=max_output,
            writable=[workspace] if writable else [],
        )

    return call


def running(mark: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def mark() -> Iterator[str]:
    """Seconds to sleep that no other process sleeps."""
    name = f"9999.{secrets.randbelow(10**9):09d}"
    yield name
    for process in running(name):
        os.kill(process, signal.SIGKILL)


def test_how_it_ends_is_told(shell: Run, how: str) -> None:
    ran = shell("echo out; echo err >&2; exit 3")
    assert (ran.code, ran.output, ran.timed_out, ran.cut, ran.how) == (3, "out\nerr\n", False, False, how)
    assert shell("kill -9 $$").code == -9
    assert shell("no-such-program").code == 127


def test_a_program_that_is_not_there(how: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "level", lambda: how)
    (workspace / "plain.txt").write_text("no program")
    for program, code in (("no-such-program", 127), ("./plain.txt", 126)):
        ran = run_sandboxed([program, "x"], workspace=workspace, cwd=workspace, seconds=20)
        assert ran.code == code
        assert program in ran.output


def test_what_hangs_is_ended_and_its_output_kept(shell: Run, mark: str) -> None:
    ran = shell(f"trap '' TERM INT HUP; echo begun; sleep {mark}; sleep {mark}", seconds=0.7)
    assert ran.timed_out
    assert ran.code is None
    assert ran.output == "begun\n"
    wait_until(lambda: not running(mark))


@pytest.mark.parametrize("seconds", [20, 0.7])
def test_what_detaches_is_ended_too(shell: Run, mark: str, seconds: float) -> None:
    detach = f"(setsid nohup sh -c 'trap \"\" TERM HUP; sleep {mark}; :' >/dev/null 2>&1 &) ; "
    ran = shell(detach * 3 + ("echo over" if seconds > 1 else f"sleep {mark}"), seconds=seconds)
    assert ran.timed_out == (seconds < 1)
    wait_until(lambda: not running(mark))


def test_what_forks_without_end_is_ended(shell: Run, mark: str) -> None:
    ran = shell(f"while :; do sleep {mark} & sleep 0.01; done", seconds=0.7)
    assert ran.timed_out
    wait_until(lambda: not running(mark))


def test_signals_reach_no_one_outside(shell: Run, mark: str) -> None:
    with subprocess.Popen(["sleep", mark]) as bystander:
        ran = shell(f"kill -9 {os.getpid()} {bystander.pid}; kill -9 -1; echo still here")
        assert ran.code is not None
        assert bystander.poll() is None
        bystander.kill()


def test_who_watches_the_command_is_closed_to_it(shell: Run) -> None:
    watcher = 'parent=$(cut -d" " -f4 /proc/$$/stat)'
    ran = shell(f"{watcher}; cat /proc/$parent/environ; echo 1 > /proc/$parent/fd/1")
    assert ran.output.count("denied") == 2
    assert ran.code not in (0, None)


def test_only_named_folders_can_be_written(shell: Run, workspace: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    (workspace / "link").symlink_to(outside)
    script = f"""
        echo x > {outside}/new; echo x > {outside}/file; rm {outside}/file; mkdir {tmp_path}/folder
        echo x > link/new; mv {outside}/file {outside}/moved; truncate -s 0 {outside}/file
        echo x > /etc/dspy-agent-test; echo x > {sys.prefix}/dspy-agent-test
        echo in > inside; echo tmp > $TMPDIR/t; echo home > $HOME/h; cat $TMPDIR/t $HOME/h
    """
    ran = shell(script)
    assert ran.output.endswith("tmp\nhome\n")
    assert (workspace / "inside").read_text() == "in\n"
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("file", "mine")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "project"]
    assert not Path("/etc/dspy-agent-test").exists()
    assert not Path(sys.prefix, "dspy-agent-test").exists()
    assert shell("echo x > inside", writable=False).code != 0


def test_all_below_a_writable_folder_can_be_written(
    how: str, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "level", lambda: how)
    (workspace / "below").mkdir()
    ran = run_sandboxed(
        ["touch", "new"], workspace=tmp_path, cwd=workspace / "below", seconds=20, writable=[workspace]
    )
    assert (ran.code, ran.output) == (0, "")
    assert (workspace / "below" / "new").exists()


@pytest.mark.parametrize(
    "harm",
    [
        "echo x > .git/config; echo x > .git/hooks/pre-push; touch .git/hooks/new .git/info/attributes",
        "mv .git moved; mkdir -p .git/hooks/folder; echo x > .git/config.worktree; ln -s ../x .git/info",
        "rm -rf .git; mkdir other; echo x > other/config; ln -s other .git",
        "rm -rf .git/hooks .git/config; ln -s /tmp .git/hooks; ln -s /etc/passwd .git/config",
    ],
)
def test_what_git_runs_later_stays(shell: Run, workspace: Path, harm: str) -> None:
    git = workspace / ".git"
    (git / "hooks").mkdir(parents=True)
    (git / "info").mkdir()
    (git / "config").write_text("mine")
    (git / "hooks" / "pre-push").write_text("mine")
    (git / "hooks" / "pre-push").chmod(0o755)
    shell(harm)
    assert [(git / name).read_text() for name in ("config", "hooks/pre-push")] == ["mine", "mine"]
    assert os.access(git / "hooks" / "pre-push", os.X_OK)
    assert [path.name for path in (git / "hooks").iterdir()] == ["pre-push"]
    assert not git.is_symlink()
    assert not any((git / name).exists() for name in ("config.worktree", "info/attributes"))


def test_files_of_ours_stay(shell: Run, workspace: Path, how: str) -> None:
    if how == "landlock":
        pytest.skip("it has no rule for what lies in a folder that can be written")
    (workspace / ".dspy_memory.jsonl").write_text("mine")
    shell("echo x > .dspy_memory.jsonl; rm .dspy_memory.jsonl")
    assert (workspace / ".dspy_memory.jsonl").read_text() == "mine"


def test_permissions_of_others_stay(shell: Run, tmp_path: Path, how: str) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    other.chmod(0o640)
    shell(f"chmod 777 {other}")
    if how != "landlock":  # which knows no right for that
        assert other.stat().st_mode & 0o777 == 0o640


def test_no_network(shell: Run, tmp_path: Path) -> None:
    program = """
import socket, sys
for family, address in ((socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))), (socket.AF_UNIX, sys.argv[2])):
    try:
        with socket.socket(family) as made:
            made.settimeout(5)
            made.connect(address)
            made.send(b"secret")
        print("sent")
    except OSError as error:
        print("refused")
"""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        path = str(tmp_path / "s")
        local.bind(path)
        local.listen()
        server.setblocking(False)
        ran = shell(f"{sys.executable} -c '{program}' {server.getsockname()[1]} {path}")
        assert ran.output == "refused\nrefused\n"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_event_loops_and_pools_work(shell: Run) -> None:
    program = (
        "import asyncio, multiprocessing\n"
        "asyncio.run(asyncio.sleep(0))\n"
        "print(multiprocessing.Pool(2).map(abs, [-1, 2]))"
    )
    assert shell(f'{sys.executable} -c "{program}"').output == "[1, 2]\n"


def test_endless_output_keeps_its_beginning_and_end(shell: Run) -> None:
    ran = shell("echo first; yes 0123456789; ", seconds=0.7, max_output=1000)
    assert ran.cut
    assert ran.timed_out
    assert ran.output.startswith("first\n")
    assert len(ran.output) < 1100
    ran = shell("echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last", max_output=1000)
    assert ran.code == 0
    assert ran.output.startswith("first\n")
    assert ran.output.endswith("x\nlast\n")
    assert "left out" in ran.output


def test_keys_of_the_environment_are_not_seen(
    shell: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_rsa").write_text("secret-in-file")
    (home / ".netrc").write_text("secret-in-file")
    monkeypatch.setenv("HOME", str(home))
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "KUBECONFIG", "MY_SERVICE_KEY"):
        monkeypatch.setenv(name, "secret-in-variable")
    processes = f"/proc/1/environ /proc/{os.getpid()}/environ /proc/{os.getppid()}/environ"
    ran = shell(f"env; cat {home}/.ssh/id_rsa {home}/.netrc; cat {processes}")
    assert "secret-in" not in ran.output
    assert "PATH=" in ran.output


def test_limits_of_memory_and_files(shell: Run) -> None:
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    ran = shell(f"{sys.executable} -c 'bytearray({max(size, 4 << 30)})'; truncate -s 2G big")
    assert "MemoryError" in ran.output
    assert ran.code not in (0, None)


def test_all_ends_with_who_started_it(how: str, workspace: Path, mark: str) -> None:
    program = f"""
from pathlib import Path
from dspy_agent.sandbox import run
run.level = lambda: {how!r}
folder = Path({str(workspace)!r})
command = ["sh", "-c", "(setsid sleep {mark} &); sleep {mark}"]
run.run_sandboxed(command, workspace=folder, cwd=folder, seconds=600)
"""
    for sent in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as starter:
            wait_until(lambda: len(running(mark)) >= 3)
            starter.send_signal(sent)
            starter.wait(DEADLINE)
        wait_until(lambda: not running(mark))


def test_bytes_that_are_no_text(shell: Run) -> None:
    assert shell("printf '\\377\\000ok'").output == "\ufffd\0ok"
