"""``doctor`` as a program, beside real servers that answer well, badly, or never."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dspy_agent.model.access import open_model
from dspy_agent_core.contracts.topics import Topics, app_topics, shared_topics
from tests.agent.session_kit import PROGRAM, environment
from tests.support.fake_model import FakeModelServer
from tests.support.kafka import mock_cluster

SECRET = "sk-very-secret"
Answers = dict[str, tuple[int, object]]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        answer = self.server.answers.get(self.path, (404, {}))
        status, data = answer(body) if callable(answer) else answer
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], str]]:
    servers: list[ThreadingHTTPServer] = []

    def start(answers: Answers) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.answers = answers
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """Listen and accept, but never say a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def doctor(cwd: Path, **extra: str) -> tuple[dict[str, dict], int, str]:
    env = environment(cwd / ".state", **{"KUBECONFIG": str(cwd / "none"), **extra})
    done = subprocess.run(
        [*PROGRAM, "doctor", "--json"], cwd=cwd, env=env, capture_output=True, text=True, timeout=30
    )
    return (
        {c["name"]: c for c in json.loads(done.stdout)["checks"]},
        done.returncode,
        done.stdout + done.stderr,
    )


def kubeconfig(folder: Path, server: str) -> str:
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "team"}}],
        "clusters": [{"name": "k", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": SECRET}}],
    }
    (folder / "config").write_text(json.dumps(config))
    return str(folder / "config")


def test_a_bare_machine_is_fit_and_hears_what_would_help(tmp_path: Path) -> None:
    checks, code, _ = doctor(tmp_path, OLLAMA_HOST="127.0.0.1:1")
    assert code == 0
    assert (checks["workspace"]["status"], checks["python"]["status"]) == ("ok", "ok")
    assert {checks[name]["status"] for name in ("logs", "model", "kubeconfig")} == {"warn"}
    assert all(check.get("next") for check in checks.values() if check["status"] != "ok")


@pytest.mark.parametrize(("model", "status"), [("qwen3:1.7b", "ok"), ("other:1b", "warn")])
def test_ollama_with_and_without_the_model(tmp_path: Path, model: str, status: str) -> None:
    with FakeModelServer(models=["qwen3:1.7b"]) as server:
        checks, _, _ = doctor(tmp_path, **server.environment(model))
    assert checks["model"]["status"] == status
    assert status == "ok" or checks["model"]["next"] == "ollama pull other:1b"
    assert server.requests == []


def test_what_was_learned_of_the_model_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModelServer(schema=False, capabilities=["completion", "thinking"]) as server:
        before = doctor(tmp_path, **server.environment())[0]["model can"]["detail"]
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        open_model(tmp_path, progress=lambda text: None)
        after = doctor(tmp_path, **server.environment())[0]["model can"]["detail"]
    assert "JSON schema is tried at first use" in before
    assert after == ("context 4,096 of 32,768 tokens · JSON schema no · tools no · thinking turned off")


def test_a_server_that_refuses_the_key_is_told_without_the_key(tmp_path: Path, serve) -> None:
    base = serve({"/v1/models": (401, {})}).replace("http://", f"http://user:{SECRET}@") + "/v1"
    checks, _, said = doctor(tmp_path, OPENAI_BASE_URL=base, OPENAI_API_KEY=SECRET, MODEL_NAME="m")
    assert checks["model"]["status"] == "warn"
    assert SECRET not in said


def test_an_openai_server_with_the_model(tmp_path: Path, serve) -> None:
    base = serve({"/v1/models": (200, {"data": [{"id": "m"}]})}) + "/v1"
    assert doctor(tmp_path, OPENAI_BASE_URL=base, MODEL_NAME="m")[0]["model"]["status"] == "ok"


def test_servers_that_never_answer_hold_nothing_up(tmp_path: Path, silent: str) -> None:
    config = kubeconfig(tmp_path, f"http://{silent}")
    checks, code, said = doctor(tmp_path, OLLAMA_HOST=silent, KAFKA_BOOTSTRAP=silent, KUBECONFIG=config)
    assert code == 0
    assert {checks[name]["status"] for name in ("model", "kafka", "cluster")} == {"warn"}
    assert SECRET not in said


def test_a_port_that_speaks_something_else_is_no_broker(tmp_path: Path, serve) -> None:
    checks, _, _ = doctor(tmp_path, KAFKA_BOOTSTRAP=serve({}).removeprefix("http://"))
    assert checks["kafka"]["status"] == "warn"


def test_streams_are_looked_at_only_where_they_are_named(tmp_path: Path) -> None:
    assert not {"kafka", "topics", "router"} & set(doctor(tmp_path)[0])


def test_topics_that_are_missing_and_topics_that_are_there(tmp_path: Path) -> None:
    with mock_cluster() as bootstrap:
        checks, code, _ = doctor(tmp_path, KAFKA_BOOTSTRAP=bootstrap)
        assert (checks["kafka"]["status"], checks["topics"]["status"], code) == ("ok", "warn", 0)
        checks, _, _ = doctor(tmp_path, KAFKA_BOOTSTRAP=bootstrap, DSPY_AGENT_APPS="web job")
        assert checks["topics"]["detail"].startswith("missing: logs.raw.web, ")
        assert checks["topics"]["next"] == "dspy-agent stream topics --app web --app job"
        for spec in (*app_topics(Topics(), "web"), *shared_topics(Topics())):
            bootstrap.create(spec.name)
        checks, _, _ = doctor(tmp_path, KAFKA_BOOTSTRAP=bootstrap)
        assert (checks["topics"]["status"], checks["topics"]["detail"]) == ("ok", "all there for web")


def test_a_wrong_setting_of_the_streams_is_told(tmp_path: Path) -> None:
    checks, _, _ = doctor(
        tmp_path,
        KAFKA_BOOTSTRAP="127.0.0.1:1",
        DSPY_AGENT_KAFKA_CONFIG="/nowhere",
        DSPY_AGENT_ROUTER="router:8645",
    )
    assert "/nowhere" in checks["kafka"]["detail"]
    assert "no address of a router" in checks["router"]["detail"]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ((200, {"apps": [{"app": "web"}]}), "ok", "web at"),
        ((200, {"apps": []}), "warn", "no app yet"),
        ((200, {"apps": [{"app": "web"}], "trouble": "no broker answers"}), "warn", "no broker answers"),
        ((404, {}), "warn", "HTTP 404"),
    ],
)
def test_what_the_router_serves(tmp_path: Path, serve, answer, status: str, said: str) -> None:
    url = serve({"/v1/apps": answer}).replace("http://", f"http://user:{SECRET}@")
    checks, _, all_said = doctor(tmp_path, DSPY_AGENT_ROUTER=url)
    assert checks["router"]["status"] == status
    assert said in checks["router"]["detail"]
    assert SECRET not in all_said


@pytest.mark.parametrize("allowed", [True, False])
def test_a_cluster_step_by_step(tmp_path: Path, serve, allowed: bool) -> None:
    def review(body: dict) -> tuple[int, object]:
        wanted = body["spec"]["resourceAttributes"]
        return 201, {"status": {"allowed": allowed or wanted["subresource"] != "exec"}}

    server = serve(
        {
            "/version": (200, {"gitVersion": "v1.34.4"}),
            "/apis": (200, {"groups": [{"name": "dspy.dev"}]}),
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": review,
        }
    )
    checks, code, said = doctor(tmp_path, KUBECONFIG=kubeconfig(tmp_path, server))
    assert code == 0
    assert (checks["cluster"]["status"], checks["crds"]["status"]) == ("ok", "ok")
    assert checks["permissions"]["status"] == ("ok" if allowed else "warn")
    assert allowed or "pods/exec" in checks["permissions"]["detail"]
    assert SECRET not in said


def test_a_cluster_without_our_resources(tmp_path: Path, serve) -> None:
    server = serve({"/version": (200, {"gitVersion": "v1.34.4"}), "/apis": (200, {"groups": []})})
    checks, _, _ = doctor(tmp_path, KUBECONFIG=kubeconfig(tmp_path, server))
    assert checks["crds"]["status"] == "warn"
    assert "helm install" in checks["crds"]["next"]
