"""The partial import of the official client: cheap, and without traces for others."""

from __future__ import annotations

import subprocess
import sys


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_the_parts_work_and_the_rest_is_not_imported() -> None:
    code = (
        "import sys; from dspy_agent.cluster.official import load\n"
        "ws = load('stream.ws_client'); load('client.rest'); load('config.exec_provider')\n"
        "assert load('stream.ws_client') is ws\n"
        "print(sys.modules.keys() & {'kubernetes', 'requests', 'oauthlib', 'kubernetes.informer'})"
    )
    assert python(code) == "set()\n"


def test_the_whole_client_can_be_imported_afterwards_with_the_same_parts() -> None:
    code = (
        "from dspy_agent.cluster.official import load\n"
        "ours = load('client.exceptions').ApiException; ws = load('stream.ws_client')\n"
        "import kubernetes, requests\n"
        "from kubernetes.stream import ws_client\n"
        "assert kubernetes.client.ApiException is ours and ws_client is ws and kubernetes.stream.stream\n"
        "assert kubernetes.config.load_kube_config and requests.get\n"
        "assert ws.should_bypass_proxies('http://localhost', '*')\n"
        "print('ok')"
    )
    assert python(code) == "ok\n"


def test_help_imports_nothing_of_it() -> None:
    code = (
        "import sys; from dspy_agent.cli.main import run_command\n"
        "try: run_command(['connect', '--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('yaml', 'urllib3', 'websocket', 'kubernetes') if name in sys.modules])"
    )
    assert python(code).endswith("[]\n")
