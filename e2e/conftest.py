"""One cluster, one release and one git server for all end-to-end tests; removed at the end.

``E2E_CLUSTER`` names the kind cluster (default dev, made if it is not there), ``E2E_KEEP=1`` keeps
everything for a look afterwards, ``E2E_BUILD=0`` takes the images that are there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Generator, Iterator

import pytest

from .kit import gitserver, images, release
from .kit.agent import Agent
from .kit.cluster import Cluster, ensure
from .kit.diagnose import diagnose

KEEP = os.environ.get("E2E_KEEP") == "1"
BUILD = os.environ.get("E2E_BUILD") != "0"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A kind cluster; one that was there before is left running."""
    found = ensure()
    yield found
    if found.made and not KEEP:
        found.delete()


@pytest.fixture(scope="session")
def loaded(cluster: Cluster) -> Cluster:
    """The cluster with our images in it."""
    if BUILD:
        images.build("agent", "operator")
        images.build_git_server()
    release.load(cluster, images.GIT_SERVER)
    return cluster


@pytest.fixture(scope="session")
def operator(loaded: Cluster) -> Iterator[Cluster]:
    """The cluster with the operator running, made from the present images."""
    try:
        release.install(loaded)
        release.restart(loaded)
        yield loaded
    finally:
        if not KEEP:
            release.remove(loaded)


@pytest.fixture(scope="session")
def git(loaded: Cluster) -> Iterator[str]:
    """URL of the public repository, inside the cluster."""
    try:
        gitserver.install(loaded)
        yield gitserver.PUBLIC
    finally:
        if not KEEP:
            loaded.kubectl("delete", "namespace", gitserver.NAMESPACE, "--timeout=120s", timeout=130)


@pytest.fixture(scope="session")
def namespaces(operator: Cluster) -> Iterator[list[str]]:
    """Those that were made: at the end all are gone."""
    made: list[str] = []
    yield made
    if made and not KEEP:
        words = ("delete", "namespace", *made, "--ignore-not-found", "--timeout=180s")
        operator.kubectl(*words, timeout=190)


@pytest.fixture(scope="module")
def new_namespace(operator: Cluster, namespaces: list[str]) -> Iterator[Callable[[str], str]]:
    """Make a namespace that takes restricted pods only, and return its name; it goes with the file."""
    first = len(namespaces)

    def make(prefix: str) -> str:
        name = f"e2e-{prefix}-{secrets.token_hex(2)}"
        operator.apply(gitserver.namespace(name))
        namespaces.append(name)
        return name

    yield make
    if (mine := namespaces[first:]) and not KEEP:  # the next file's pods need their share of the node
        operator.kubectl("delete", "namespace", *mine, "--wait=false")


@pytest.fixture(scope="module")
def agent(operator: Cluster, new_namespace: Callable[[str], str], request: pytest.FixtureRequest) -> Agent:
    """The command line, in a fresh namespace of this file."""
    return Agent(operator, new_namespace(request.path.stem.removeprefix("test_").split("_")[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test what the cluster says."""
    report = yield
    found = getattr(item, "funcargs", {}).values()
    clusters = [x if isinstance(x, Cluster) else x.cluster for x in found if isinstance(x, Cluster | Agent)]
    if report.failed and clusters:
        report.sections.append(("cluster", diagnose(clusters[0])))
    return report
