"""Says whether the workspace's Milvus can be used from here, with the agent's own credentials.

Runs in a pod of its own, so that no agent becomes unready while the store is away: agents then search
their local index. Every few seconds it connects anew and lists collections. Readiness tells the outcome;
the log has one JSON line for each change of it (``Termination`` while it fails), which the operator reads.
The pod does not end when the store fails, as the kubelet would wait ever longer before the next try.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dspy_agent.incluster.health import serve_probes
from dspy_agent_core.contracts.cluster import (
    VECTOR_SECRET,
    VECTOR_STORE,
    VECTORS_PORT,
    Termination,
    vector_token,
)

_READY_SECONDS: Final = 10.0
_AWAY_SECONDS: Final = 3.0
_TIMEOUT_SECONDS: Final = 5.0
_CONNECTED: Final = '{"status": "connected"}'
_SECRET: Final = "spec.vectorStore.milvus.secretRef"  # noqa: S105  a field
_URI: Final = "spec.vectorStore.milvus.uri"
# Each connection dials by itself: the backoff of an earlier one would delay it, in the end by minutes.
_CHANNEL: Final = {"grpc.use_local_subchannel_pool": 1}
_UNAUTHORIZED: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})
_UNREACHABLE: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"})
_NOT_ALLOWED: Final = frozenset({1400, 1401})  # Milvus: not authenticated, privilege not permitted
_CONNECT_FAILED: Final = 2
# Few words that stay the same from one try to the next; the texts are gRPC's.
_CAUSES: Final = (
    (r"resolv|lookup|name not found", "its name does not resolve"),
    (r"refused", "it refuses connections"),
    (
        r"handshake|ssl|certificate",
        "TLS fails; is it http:// or https://, and is its certificate a known one",
    ),
    (r"http/?2|status: \d+|unimplemented", "what answers there is not Milvus; its gRPC port is 19530"),
)


def check(uri: str, environment: Mapping[str, str]) -> Termination | None:
    """Connect to the Milvus at ``uri`` and list its collections; return what keeps that from working."""
    token = vector_token(environment)
    folder = environment.get(VECTOR_SECRET)
    if folder and not token:
        return _no_secret(Path(folder))
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        text = f"The agent's image can't ask Milvus ({error}): it needs dspy-agent[milvus]."
        return Termination("VectorStoreFailed", text)
    try:
        client = MilvusClient(uri=uri, token=token, timeout=_TIMEOUT_SECONDS, grpc_options=_CHANNEL)
        try:
            client.list_collections(timeout=_TIMEOUT_SECONDS)
        finally:
            client.close()
    except Exception as error:  # whatever it is, it is told and tried again
        return _failure(uri, error, token)
    return None


def _no_secret(folder: Path) -> Termination:
    # The kubelet's own `..data` is there even where the Secret is not.
    if any(folder.glob("[!.]*")):
        return Termination(
            "SecretKeyNotFound", f"The Secret in {_SECRET} has no token, and no username and password."
        )
    text = f"The Secret in {_SECRET} is not there: create it with token, or username and password."
    return Termination("SecretNotFound", text)


def _failure(uri: str, error: Exception, token: str) -> Termination:
    chain = list(_chain(error))
    names = {name for name in map(_grpc_code, chain) if name}
    codes = {getattr(one, "code", None) for one in chain if not _grpc_code(one)}
    text = _words(chain[-1])
    if names & _UNAUTHORIZED or codes & _NOT_ALLOWED:
        told = f"refuses the credentials in {_SECRET}" if token else f"asks for credentials: set {_SECRET}"
        return Termination("VectorStoreUnauthorized", f"{uri} {told}.")
    if names & _UNREACHABLE or (not names and _CONNECT_FAILED in codes):
        told = next(
            (words for sign, words in _CAUSES if re.search(sign, f"{names} {text}", re.I)),
            "it does not answer",
        )
        step = f"Check {_URI}, and spec.networkPolicy.egress"
        return Termination("VectorStoreUnreachable", f"{uri} can't be reached: {told}. {step}.")
    known = text.replace(token, "***") if token else text
    return Termination("VectorStoreFailed", f"{uri}: {known[:500]}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and what caused it, innermost last."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        yield at
        at = at.__cause__ or at.__context__


def _grpc_code(error: BaseException) -> str:
    code = getattr(error, "code", None)
    return str(getattr(code(), "name", "")) if callable(code) else ""


def _words(error: BaseException) -> str:
    """Return what gRPC or Milvus say, on one line."""
    details = getattr(error, "details", None)
    text = details() if callable(details) else getattr(error, "message", error)
    return " ".join(str(text).split())


class Watch:
    """Checks one store for ever; ``not_ready_cause`` is the outcome of the last check."""

    def __init__(self, uri: str, environment: Mapping[str, str]) -> None:
        self._uri = uri
        self._environment = environment
        self.not_ready_cause: str | None = "connecting"

    def keep(self) -> None:
        """Check, tell what changed, wait a little, and again."""
        told = ""
        while True:
            failure = check(self._uri, self._environment)
            self.not_ready_cause = failure.message if failure else None
            line = failure.dumps() if failure else _CONNECTED
            if line != told:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
                told = line
            time.sleep(_AWAY_SECONDS if failure else _READY_SECONDS)


def main() -> None:
    """Watch the store that the environment names until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # Lines of gRPC and pymilvus would follow ours in the log.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    logging.disable()
    watch = Watch(os.environ[VECTOR_STORE], os.environ)
    serve_probes(int(os.environ.get("DSPY_VECTORS_PORT", VECTORS_PORT)), lambda: watch.not_ready_cause)
    watch.keep()


if __name__ == "__main__":
    main()
