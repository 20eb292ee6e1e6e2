"""The images by themselves: closed as a cluster runs them, and complete."""

from __future__ import annotations

import json

import pytest

from .kit import images
from .kit.cluster import Cluster
from .kit.shell import run

CLOSED = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")


def inside(image: str, *words: str, check: bool = True) -> str:
    entry, *rest = words
    done = run("docker", "run", *CLOSED, "--entrypoint", entry, image, *rest, check=check)
    return done.stdout + done.stderr


@pytest.mark.parametrize("image", [images.AGENT, images.OPERATOR])
def test_runs_as_nobody_and_says_what_it_is(loaded: Cluster, image: str) -> None:
    config = json.loads(run("docker", "image", "inspect", image).stdout)[0]["Config"]
    assert config["User"] == "10001:10001"
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == images.VERSION
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert "uid=10001" in inside(image, "id")


def test_agent_has_its_programs(loaded: Cluster) -> None:
    for program in ("git", "rg", "ssh"):
        assert program in inside(images.AGENT, "sh", "-c", f"command -v {program}")
    assert images.VERSION in inside(images.AGENT, "dspy-agent", "--version")


def test_agent_can_still_connect(loaded: Cluster) -> None:
    """The client is there, and without a kubeconfig it says so."""
    said = inside(images.AGENT, "dspy-agent", "workspaces", check=False)
    assert "kubeconfig" in said
    assert "Traceback" not in said


VECTORS = """
import os, tempfile
from pymilvus import MilvusClient
from wordllama import WordLlama
folder = tempfile.mkdtemp()
client = MilvusClient(os.path.join(folder, "vectors.db"))
client.create_collection("a", dimension=4)
client.insert("a", [{"id": n, "vector": [n, 1.0, 0.0, 0.0]} for n in range(9)])
client.flush("a")
print("found", client.search("a", [[8.0, 1.0, 0.0, 0.0]], limit=1)[0][0]["id"])
client.close()
"""


def test_agent_has_what_vectors_need(loaded: Cluster) -> None:
    """A Milvus Lite file works, and the model's package is there, without a network and a writable root."""
    assert "found 8" in inside(images.AGENT, "python", "-c", VECTORS)


def test_operator_starts_and_says_what_it_lacks(loaded: Cluster) -> None:
    said = inside(images.OPERATOR, "dspy-operator", check=False)
    assert "Traceback" not in said
    assert '"level":"critical"' in said


def test_bytecode_is_compiled(loaded: Cluster) -> None:
    """Start-up compiles nothing: the root file system could not keep it."""
    count = (
        "import pathlib, {0}; print(*sorted(p.name for p in pathlib.Path({0}.__path__[0]).rglob('*.pyc')))"
    )
    for image, package in ((images.AGENT, "dspy_agent"), (images.OPERATOR, "dspy_operator")):
        assert "__init__.cpython-311.pyc" in inside(image, "python", "-c", count.format(package))
