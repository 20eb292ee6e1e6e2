"""``dspy-agent workspaces``: the table that the API server makes, or the same facts as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dspy_agent.cluster.api import Api
from dspy_agent.cluster.errors import Target
from dspy_agent.cluster.workspaces import Workspace, target
from dspy_agent_core.errors import ClusterError

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_PAGE = "500"


def table(api: Api, *, everywhere: bool) -> list[list[str]]:
    """Return the rows of ``kubectl get agws``, the heading first; only the heading if there is none."""
    rows: list[list[str]] = []
    for page in _pages(api, everywhere=everywhere, accept=_TABLE):
        shown = [
            index for index, column in enumerate(page["columnDefinitions"]) if not column.get("priority")
        ]
        if not rows:
            heading = [str(page["columnDefinitions"][index]["name"]).upper() for index in shown]
            rows.append((["NAMESPACE"] if everywhere else []) + heading)
        for row in page.get("rows") or []:
            cells = ["" if row["cells"][index] is None else str(row["cells"][index]) for index in shown]
            rows.append(([str(row["object"]["metadata"]["namespace"])] if everywhere else []) + cells)
    _check_namespace(api, everywhere=everywhere, empty=len(rows) == 1)
    return rows


def facts(api: Api, *, everywhere: bool) -> list[dict[str, Any]]:
    """Return one object a workspace, for programs."""
    pages = _pages(api, everywhere=everywhere, accept="application/json")
    found = [_facts_of(item) for page in pages for item in page.get("items") or []]
    _check_namespace(api, everywhere=everywhere, empty=not found)
    return found


def render(rows: list[list[str]]) -> str:
    """Return ``rows`` as text, columns three spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(line.rstrip() + "\n" for line in lines)


def _pages(api: Api, *, everywhere: bool, accept: str) -> Iterator[dict[str, Any]]:
    wanted, position = target("list", "" if everywhere else api.access.namespace), ""
    while True:
        page = api.get(wanted, accept=accept, limit=_PAGE, **({"continue": position} if position else {}))
        yield page
        position = (page.get("metadata") or {}).get("continue") or ""
        if not position:
            return


def _facts_of(item: dict[str, Any]) -> dict[str, Any]:
    workspace = Workspace.parse(item)
    ready = workspace.conditions.get("Ready")
    return {
        "name": workspace.name,
        "namespace": workspace.namespace,
        "ready": ready.status if ready else "Unknown",
        "reason": ready.reason if ready else "",
        "message": ready.message if ready else "",
        "mode": workspace.operating_mode,
        "pod": workspace.pod,
        "created": item["metadata"].get("creationTimestamp"),
    }


def _check_namespace(api: Api, *, everywhere: bool, empty: bool) -> None:
    if everywhere or not empty:
        return
    try:
        api.get(Target("get", "namespaces", name=api.access.namespace))
    except ClusterError as error:
        if error.code == "NotFound":
            raise ClusterError(
                f'There is no namespace "{api.access.namespace}".',
                code="NamespaceNotFound",
                next="Pass another with -n, or -A for all.",
            ) from error
