"""The operator against a bare loop that applies the same objects, on a real API server.

    uv run --group dev python benchmarks/operator_rate.py --n 1000 --out benchmarks/results/operator.json

Starts etcd and kube-apiserver of its own (KUBEBUILDER_ASSETS). Four parts: rate (bare, operator, bare,
operator in one run), latency of one event on an idle operator, restart with N settled workspaces, memory.
Client, operator, API server and etcd share this machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from controlplane import bed  # noqa: E402
from controlplane.conftest import Token, install_crds, make_namespace  # noqa: E402
from controlplane.world import Admin, World  # noqa: E402

from dspy_operator.api.workspace import parse  # noqa: E402
from dspy_operator.children import DEPLOYMENT, STATEFUL_SET  # noqa: E402
from dspy_operator.desired import desired  # noqa: E402
from dspy_operator.facts import Facts  # noqa: E402
from dspy_operator.settings import Settings  # noqa: E402

CONCURRENCY = 8
SPEC: dict[str, Any] = {"model": {"ollama": {"model": "qwen3:1.7b"}}}


async def in_parallel(work: Iterable[str], do: Callable[[str], Awaitable[object]]) -> None:
    """Run ``do`` over ``work``, ``CONCURRENCY`` at a time."""
    items = iter(work)

    async def worker() -> None:
        for item in items:
            await do(item)

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


def names(count: int) -> list[str]:
    """Names of workspaces."""
    return [f"w{number:05}" for number in range(count)]


async def bare(admin: Admin, namespace: str, count: int) -> float:
    """Apply ``count`` workspaces and their children in a plain loop; return the seconds."""
    await make_namespace(admin, namespace)
    world, settings = World(admin, namespace), Settings()

    async def one(name: str) -> None:
        workspace = parse(await world.apply(name, SPEC))
        for child in desired(workspace, Facts(datetime.now(UTC)), settings):
            await admin.apply(child.ref.path, child.body, force=True)

    started = time.monotonic()
    await in_parallel(names(count), one)
    return time.monotonic() - started


class Operator:
    """The operator as a process, serving some namespaces."""

    def __init__(self, plane: bed.ControlPlane, namespaces: list[str]) -> None:
        self.port = bed.free_port()
        self.environment = {
            **os.environ,
            "KUBECONFIG": str(plane.kubeconfig(bed.ADMIN_TOKEN)),
            "DSPY_OPERATOR_NAMESPACES": ",".join(namespaces),
            "DSPY_OPERATOR_HTTP_PORT": str(self.port),
            "DSPY_OPERATOR_WORKERS": str(CONCURRENCY),
        }
        self.log = plane.folder / "operator.log"
        self.process: subprocess.Popen[bytes] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Operator]:
        """Run it from here until SIGTERM."""
        args = [sys.executable, "-m", "dspy_operator.main"]
        self.process = bed.spawn(args, self.log, self.environment)
        try:
            yield self
        finally:
            await asyncio.to_thread(bed.stop, self.process, 30.0)

    async def metrics(self) -> dict[str, float]:
        """Return all samples, {} while it does not answer."""
        with contextlib.suppress(aiohttp.ClientError):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/metrics") as answer,
            ):
                lines = (await answer.text()).splitlines()
                pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
                return {key: float(value) for key, value in pairs}
        return {}

    async def until(self, holds: Callable[[dict[str, float]], bool], seconds: float = 600) -> None:
        """Wait until the metrics say so."""

        async def reached() -> bool:
            return holds(await self.metrics())

        # Each look costs the operator milliseconds: seldom enough not to slow down what is measured.
        await bed.eventually(reached, seconds, "the operator never got there", every=0.2)

    def memory(self) -> dict[str, float]:
        """Return resident memory now and at most, in MiB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return {key: int(fields[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")}


def audited(samples: dict[str, float]) -> bool:
    """Whether the first audit is over and nothing waits."""
    return samples.get("dspy_operator_audits_total", 0) >= 1 and samples["dspy_operator_queue_depth"] == 0


def reconciled(count: int) -> Callable[[dict[str, float]], bool]:
    """Whether so many resources have a status, which is written after the last child."""
    key = 'dspy_operator_resources{condition="Ready",kind="agentworkspaces",status="False"}'
    return lambda samples: samples.get(key, 0) >= count


async def driven(admin: Admin, plane: bed.ControlPlane, namespace: str, count: int) -> float:
    """Apply ``count`` workspaces while an idle operator runs; return the seconds until all is applied."""
    await make_namespace(admin, namespace)
    world = World(admin, namespace)
    async with Operator(plane, [namespace]).running() as operator:
        await operator.until(audited)
        started = time.monotonic()
        await in_parallel(names(count), lambda name: world.apply(name, SPEC))
        await operator.until(reconciled(count))
        return time.monotonic() - started


async def latency(admin: Admin, plane: bed.ControlPlane, count: int) -> dict[str, float]:
    """Return p50 and p99 of the milliseconds from a workspace's creation to its last child."""
    await make_namespace(admin, "latency")
    world, found = World(admin, "latency"), []
    async with Operator(plane, ["latency"]).running() as operator:
        await operator.until(audited)
        await asyncio.sleep(1)
        for name in names(count):
            await world.apply(name, SPEC)
            started = time.monotonic()
            for last in (
                f"{STATEFUL_SET.path('latency')}/{name}-agent",
                f"{DEPLOYMENT.path('latency')}/{name}-model",
            ):
                while not await world.exists(last):  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
            found.append((time.monotonic() - started) * 1000)
            # Not ready, a workspace is polled; out of the way with it.
            await world.delete(name)
    cuts = statistics.quantiles(found, n=100)
    return {"p50_ms": cuts[49], "p99_ms": cuts[98], "samples": count}


async def restart(admin: Admin, plane: bed.ControlPlane, namespace: str, count: int) -> dict[str, float]:
    """Settle the workspaces of ``namespace``, restart the operator; return seconds, writes, memory."""
    world = World(admin, namespace)
    children = await _ready_everywhere(world)
    async with Operator(plane, [namespace]).running() as operator:
        key = 'dspy_operator_resources{condition="Ready",kind="agentworkspaces",status="True"}'
        await operator.until(lambda samples: samples.get(key, 0) >= count and audited(samples))
    async with Operator(plane, [namespace]).running() as operator:
        started = time.monotonic()
        await operator.until(audited)
        seconds = time.monotonic() - started
        await asyncio.sleep(10)
        samples = await operator.metrics()
        writes = sum(value for key, value in samples.items() if key.startswith("dspy_operator_writes_total"))
        return {"seconds": seconds, "writes": writes, "children": children, **operator.memory()}


async def _ready_everywhere(world: World) -> int:
    """Play the kubelet for all workspaces at once; return how many children there are."""
    children = await world.children()
    by_path = {ref.path: (ref, item) for ref, item in children.items()}
    await in_parallel(by_path, lambda path: world.play_ready(*by_path[path]))
    return len(children)


async def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="workspaces")
    parser.add_argument("--latency", type=int, default=100, help="samples of latency")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of bare loop and operator")
    parser.add_argument("--out", type=Path, help="where to write the raw numbers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plane = bed.ControlPlane(Path(folder))
        plane.start()
        try:
            async with Admin(Token(plane.url, bed.ADMIN_TOKEN)) as admin:
                await install_crds(admin)
                result = await measure(admin, plane, options)
        finally:
            plane.stop()
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


async def measure(admin: Admin, plane: bed.ControlPlane, options: argparse.Namespace) -> dict[str, Any]:
    """Return all numbers."""
    rounds = []
    for number in range(options.rounds):
        loop = await bare(admin, f"bare-{number}", options.n)
        operator = await driven(admin, plane, f"driven-{number}", options.n)
        rounds.append({"bare_s": loop, "operator_s": operator, "rate_ratio": loop / operator})
        print(f"round {number}: {rounds[-1]}", file=sys.stderr)
    return {
        "n": options.n,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "rounds": rounds,
        "latency": await latency(admin, plane, options.latency),
        "restart": await restart(admin, plane, "driven-0", options.n),
    }


if __name__ == "__main__":
    asyncio.run(main())
