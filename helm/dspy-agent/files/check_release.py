"""Run by `helm test`: is the operator ready, and does the API server serve both resources to it?"""

from __future__ import annotations

import os
import pathlib
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial

ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")


def ask_api(path: str) -> None:
    """GET a path of the API server as the operator's ServiceAccount. Raises OSError."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    request = urllib.request.Request(f"https://{host}:{port}{path}", headers=headers)
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    urllib.request.urlopen(request, timeout=10, context=context).close()  # noqa: S310


def ask_operator() -> None:
    """GET /readyz of the operator. Raises OSError."""
    urllib.request.urlopen(f"{os.environ['OPERATOR_URL']}/readyz", timeout=10).close()  # noqa: S310


def passes(name: str, ask: Callable[[], None]) -> bool:
    """Print, and return, whether asking succeeds within 60 seconds."""
    deadline = time.monotonic() + 60
    while True:
        try:
            ask()
        except OSError as error:
            if time.monotonic() > deadline:
                print(f"FAILED  {name}: {error}", flush=True)
                return False
            time.sleep(1)
        else:
            print(f"ok      {name}", flush=True)
            return True


def main() -> int:
    """Ask everything; return the exit code."""
    base = os.environ["WORKSPACES_PATH"]
    kinds = ("agentworkspaces", "rltrainingjobs")
    served = [passes(f"{kind} are served", partial(ask_api, f"{base}/{kind}?limit=1")) for kind in kinds]
    ready = passes("the operator is ready", ask_operator)
    return 0 if ready and all(served) else 1


if __name__ == "__main__":
    sys.exit(main())
