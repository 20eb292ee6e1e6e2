"""A real API server takes all that the chart makes, and each example; unknown fields are refused."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from .conftest import REQUIRE, ROOT, Render, Rendered
from .matrix import MATRIX

pytestmark = pytest.mark.controlplane
Kubectl = Callable[..., str]


def load_bed() -> ModuleType:
    """Load the control plane of the operator's tests, which are a package of their own."""
    spec = importlib.util.spec_from_file_location("chart_bed", ROOT / "tests" / "controlplane" / "bed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    bed = load_bed()
    if missing := bed.missing_binaries():
        sentence = f"no {', '.join(missing)} in {bed.assets()}; set KUBEBUILDER_ASSETS"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{sentence} ({REQUIRE}=1)")
        pytest.skip(sentence)
    plane = bed.ControlPlane(tmp_path_factory.mktemp("chart"))
    try:
        plane.start()
        config = plane.kubeconfig(bed.ADMIN_TOKEN)

        def run(*words: str, stdin: str = "", ok: bool = True) -> str:
            done = subprocess.run(
                [str(bed.assets() / "kubectl"), f"--kubeconfig={config}", *words],
                input=stdin, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert (done.returncode == 0) is ok, done.stdout + done.stderr
            return done.stdout + done.stderr

        for name in ("dspy-system", "team-a", "team-b"):
            run("create", "namespace", name)
        yield run
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def with_crds(kubectl: Kubectl, render: Render) -> Kubectl:
    """The API server with the CRDs as the chart holds them."""
    crds = [x for x in render() if x["kind"] == "CustomResourceDefinition"]
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(crds))
    kubectl(
        "wait",
        "--for=condition=Established",
        "--timeout=30s",
        *(f"crd/{x['metadata']['name']}" for x in crds),
    )
    return kubectl


def dry_run(kubectl: Kubectl, things: Rendered | Path, *words: str) -> str:
    source, text = (str(things), "") if isinstance(things, Path) else ("-", yaml.safe_dump_all(things))
    return kubectl("apply", "--dry-run=server", "--validate=strict", *words, "-f", source, stdin=text)


@pytest.mark.parametrize("sets", MATRIX.values(), ids=MATRIX)
def test_api_server_takes_the_chart(kubectl: Kubectl, render: Render, sets: tuple[str, ...]) -> None:
    things = render(*sets)
    assert dry_run(kubectl, things).count("(server dry run)") == len(things)


EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[f"{p.parent.name}/{p.name}" for p in EXAMPLES])
def test_api_server_takes_the_example(with_crds: Kubectl, path: Path) -> None:
    assert "(server dry run)" in dry_run(with_crds, path, "--namespace=team-a")
