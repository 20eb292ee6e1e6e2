"""A control plane of one's own: etcd, kube-apiserver and, where wanted, kube-controller-manager.

The operator promises things about the API server's real behaviour (server-side apply, CEL, watches,
garbage collection), so its tests run against the real one. Ports are free ones, data lies in a folder of
the test run, and the processes die with the test process however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ADMIN_TOKEN = "admin-token"
OPERATOR_TOKEN = "operator-token"
OPERATOR_NAMESPACE = "dspy-system"
OPERATOR_ACCOUNT = "dspy-agent-operator"

CRDS = Path(__file__).parents[2] / "crds"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def assets() -> Path:
    """Return the folder of the control-plane binaries (``KUBEBUILDER_ASSETS``)."""
    return Path(os.environ.get("KUBEBUILDER_ASSETS", "/usr/local/kubebuilder/bin"))


def missing_binaries() -> list[str]:
    """Return the names of the binaries that this machine lacks."""
    names = ("etcd", "kube-apiserver", "kube-controller-manager")
    return [name for name in names if not (assets() / name).exists()]


def free_port() -> int:
    """Return a TCP port that nothing listens on now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def spawn(args: list[str], log: Path, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a program that is killed when the test process ends, even by SIGKILL."""
    with log.open("ab") as out:
        return subprocess.Popen(
            args,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        )


def stop(process: subprocess.Popen[bytes], grace: float = 5.0) -> None:
    """End a process: SIGTERM, then SIGKILL after ``grace`` seconds."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(grace)


@dataclass
class ControlPlane:
    """A running etcd and kube-apiserver. ``url`` is https with a self-made certificate."""

    folder: Path
    url: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start etcd and the API server and wait until it serves. Raises RuntimeError with the log's end."""
        client, peer, api = free_port(), free_port(), free_port()
        etcd_url = f"http://127.0.0.1:{client}"
        self.url = f"https://127.0.0.1:{api}"
        (self.folder / "tokens.csv").write_text(
            f"{ADMIN_TOKEN},admin,admin,system:masters\n"
            f"{OPERATOR_TOKEN},system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT},operator,"
            f'"system:serviceaccounts,system:serviceaccounts:{OPERATOR_NAMESPACE}"\n'
        )
        key = self.folder / "service-account.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        self._spawn(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={etcd_url}",
            f"--advertise-client-urls={etcd_url}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        )
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={api}",
            f"--cert-dir={self.folder / 'certs'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection",
        )
        self._await("kube-apiserver", self.url + "/readyz")

    def start_controllers(self) -> None:
        """Start garbage collection and the namespace controller."""
        config = self.kubeconfig(ADMIN_TOKEN)
        port = free_port()
        self._spawn(
            "kube-controller-manager",
            f"--kubeconfig={config}",
            f"--secure-port={port}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self.folder / 'controller-certs'}",
            "--controllers=garbage-collector-controller,namespace-controller",
            "--leader-elect=false",
            "--concurrent-gc-syncs=5",
        )
        self._await("kube-controller-manager", f"https://127.0.0.1:{port}/healthz")

    def stop(self) -> None:
        """Stop everything that was started, last first."""
        for process in reversed(self.processes):
            stop(process)
        self.processes.clear()

    def kubeconfig(self, token: str, server: str | None = None, namespace: str = "default") -> Path:
        """Write a kubeconfig for ``token`` and return its path."""
        cluster: dict[str, object] = {"server": server or self.url}
        if str(cluster["server"]).startswith("https"):
            cluster["insecure-skip-tls-verify"] = True
        path = self.folder / f"kubeconfig-{token}-{free_port()}"
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "bed", "cluster": cluster}],
                    "users": [{"name": "bed", "user": {"token": token}}],
                    "contexts": [
                        {"name": "bed", "context": {"cluster": "bed", "user": "bed", "namespace": namespace}}
                    ],
                    "current-context": "bed",
                }
            )
        )
        path.chmod(0o600)
        return path

    def _spawn(self, name: str, *args: str) -> None:
        self.processes.append(spawn([str(assets() / name), *args], self.folder / f"{name}.log"))

    def _await(self, name: str, url: str, seconds: float = 60.0) -> None:
        process = self.processes[-1]

        def serves() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended: {self._log_end(name)}")
            return _answers_ok(url)

        try:
            wait_for(serves, seconds, f"{name} does not serve")
        except TimeoutError as error:
            raise RuntimeError(f"{error}: {self._log_end(name)}") from error

    def _log_end(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]


def _answers_ok(url: str) -> bool:
    context = ssl._create_unverified_context()
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    with contextlib.suppress(OSError):
        try:
            with urllib.request.urlopen(request, timeout=5, context=context) as response:
                return bool(response.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
    return False


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll ``condition`` until it is true. Raises TimeoutError with ``what``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


async def eventually(
    condition: Callable[[], Awaitable[bool]], seconds: float, what: str, *, every: float = 0.02
) -> None:
    """Poll an asynchronous ``condition`` until it is true. Raises TimeoutError with ``what``."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(every)
