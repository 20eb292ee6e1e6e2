"""The model pod's second container: sees to it that the model is there, and says how far it is.

Progress goes to the log as one JSON line every two seconds (``PullProgress``), readiness to
``/readyz``, and a failure to the termination message, so that the operator needs no way into the pod.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from dspy_agent.incluster.health import serve_probes
from dspy_agent.incluster.termination import Failed, end_with
from dspy_agent_core.contracts.cluster import MODEL_PULL_PORT, PullProgress, listed_model_name

_REPORT_SECONDS = 2.0
_RECHECK_SECONDS = 30.0
_STALL_SECONDS = 120.0
_SERVER_PATIENCE_SECONDS = 45.0
# First match wins; the texts are Ollama's and Go's own.
_FAILURES = (
    (r"no space left|disk quota", "DiskFull", "grow spec.model.ollama.storage.size"),
    (r"read-only file system", "ReadOnlyFilesystem", "check the model volume"),
    (
        r"insecure protocol http|server gave HTTP response to HTTPS client",
        "InsecureRegistry",
        "set spec.model.ollama.insecure: true for a plain-HTTP registry",
    ),
    (
        r"file does not exist|manifest.*(unknown|not found)|not found|invalid model name|404",
        "ModelNotFound",
        "check spec.model.ollama.model",
    ),
    (
        r"no such host|connection refused|i/o timeout|dial tcp|unreachable|deadline exceeded|EOF|timeout",
        "RegistryUnreachable",
        "check the registry's address and the egress rules",
    ),
)


class Puller:
    """Pulls one model into one Ollama server.

    Args:
        server: base URL of the Ollama server.
        model: the name to pull.
        insecure: the registry speaks plain HTTP.
    """

    def __init__(self, server: str, model: str, *, insecure: bool) -> None:
        self._server = server.rstrip("/")
        self._model = model
        self._insecure = insecure
        self.not_ready_cause: str | None = "starting"

    def present(self) -> bool:
        """Return whether the server lists the model."""
        with self._open("/api/tags", timeout=10) as answer:
            names = {listed_model_name(str(item["name"])) for item in json.load(answer)["models"]}
        return listed_model_name(self._model) in names

    def wait_for_server(self) -> None:
        """Wait until the server answers.

        Raises:
            Failed: ``ModelServerUnreachable``.
        """
        deadline = time.monotonic() + _SERVER_PATIENCE_SECONDS
        while True:
            try:
                self.present()
                return
            except (OSError, ValueError, KeyError) as error:
                if time.monotonic() > deadline:
                    raise Failed(
                        "ModelServerUnreachable", f"{self._server} does not answer: {error}."
                    ) from error
                time.sleep(0.5)

    def pull(self) -> None:
        """Pull the model, reporting progress.

        Raises:
            Failed: with one of ``MODEL_REASONS``.
        """
        self.not_ready_cause = f"pulling {self._model}"
        layers: dict[str, tuple[int, int]] = {}
        reported = 0.0
        self._report("pulling")
        for update in self._pull_updates():
            if "error" in update:
                raise _failure(self._model, str(update["error"]))
            if update.get("total"):
                layers[str(update.get("digest"))] = (int(update.get("completed") or 0), int(update["total"]))
            if layers and time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                completed, total = (sum(column) for column in zip(*layers.values(), strict=True))
                self._report("pulling", completed, total)

    def keep(self) -> None:
        """Pull the model when it is not there; look again every half a minute, for ever."""
        while True:
            self.wait_for_server()
            if not self.present():
                self.pull()
                if not self.present():
                    raise Failed("PullFailed", f"{self._model} was pulled, but the server does not list it.")
            if self.not_ready_cause:
                self._report("ready")
            self.not_ready_cause = None
            time.sleep(_RECHECK_SECONDS)

    def _pull_updates(self) -> Iterator[dict[str, Any]]:
        body = json.dumps({"model": self._model, "insecure": self._insecure, "stream": True}).encode()
        try:
            with self._open("/api/pull", body, timeout=_STALL_SECONDS) as answer:
                for line in answer:
                    yield json.loads(line)
        except urllib.error.HTTPError as error:
            raise _failure(self._model, error.read(2000).decode("utf-8", "replace")) from error
        except (OSError, ValueError) as error:
            raise Failed(
                "PullFailed", f"the pull of {self._model} broke off: {error}; it is taken up again."
            ) from error

    def _open(self, path: str, body: bytes | None = None, *, timeout: float) -> Any:
        request = urllib.request.Request(self._server + path, data=body)  # noqa: S310  the operator sets the URL
        return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310

    def _report(self, status: str, completed: int = 0, total: int = 0) -> None:
        sys.stdout.write(PullProgress(status, self._model, completed, total).dumps() + "\n")
        sys.stdout.flush()


def _failure(model: str, text: str) -> Failed:
    for pattern, reason, step in _FAILURES:
        if re.search(pattern, text, re.IGNORECASE):
            return Failed(reason, f"{model}: {text.strip()}; {step}.")
    return Failed("PullFailed", f"{model}: {text.strip()}.")


def main() -> None:
    """Keep the model that the environment names in place until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    puller = Puller(
        os.environ.get("OLLAMA_HOST", "http://127.0.0.1:11434"),
        os.environ["DSPY_MODEL"],
        insecure=os.environ.get("DSPY_MODEL_INSECURE") == "true",
    )
    port = int(os.environ.get("DSPY_MODEL_PULL_PORT", MODEL_PULL_PORT))
    serve_probes(port, lambda: puller.not_ready_cause)
    threading.current_thread().name = "pull"
    try:
        puller.keep()
    except Failed as failure:
        termination = failure.termination
        line = PullProgress(
            "failed", os.environ["DSPY_MODEL"], reason=termination.reason, message=termination.message
        )
        sys.stdout.write(line.dumps() + "\n")
        sys.stdout.flush()
        end_with(failure)


if __name__ == "__main__":
    main()
