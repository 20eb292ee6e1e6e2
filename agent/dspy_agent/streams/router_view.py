"""The router's HTTP answers: contexts, results and apps, as JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Final

from dspy_agent.streams.http import JSON, Reply, Route
from dspy_agent.streams.router_store import RouterStore
from dspy_agent_core.errors import AgentError, UsageError, WorkspaceError

Query = Mapping[str, list[str]]

_LIMIT: Final = 200
_MAX_LIMIT: Final = 1000
_MAX_WAIT: Final = 30.0
_MAX_WAITING: Final = 64  # more than these get what is there at once
_MAX_BYTES: Final = 16 << 20


def routes(
    store: RouterStore, trouble: Callable[[], str | None], lags: Callable[[], Mapping[str, int]]
) -> dict[str, Route]:
    """Return what answers each path.

    Args:
        store: what is known.
        trouble: why nothing new comes just now, or None.
        lags: by app, the records that were not read yet.
    """
    waiting = threading.BoundedSemaphore(_MAX_WAITING)

    def contexts(query: Query) -> Reply:
        apps, unknown = _apps(query, store)
        limit = int(_number(query, "limit", _LIMIT, 1, _MAX_LIMIT))
        wait = _number(query, "wait", 0, 0, _MAX_WAIT)
        after = query.get("after", [""])[-1] or None
        may_wait = waiting.acquire(blocking=False)
        try:
            page = store.contexts(apps, after, limit, wait if may_wait else 0.0, _MAX_BYTES)
        finally:
            if may_wait:
                waiting.release()
        return _messages(
            "contexts", page.contexts, cursor=page.cursor, unknown=unknown or None, trouble=trouble()
        )

    def results(query: Query) -> Reply:
        return _messages("results", store.results(_apps(query, store)[0]), trouble=trouble())

    def apps(query: Query) -> Reply:
        lag = lags()
        listed = [_app(app, store, lag.get(app, 0)) for app in store.apps]
        return _json({"apps": listed, **_present(trouble=trouble())})

    return {"/v1/contexts": _route(contexts), "/v1/results": _route(results), "/v1/apps": _route(apps)}


def _route(answer: Callable[[Query], Reply]) -> Route:
    @wraps(answer)
    def route(path: str, query: Query) -> Reply:
        try:
            if path:
                raise WorkspaceError("There is nothing here.", code="NotFound", next="GET /v1/apps")
            return answer(query)
        except AgentError as error:
            return _json(error.to_json(), 400 if isinstance(error, UsageError) else 404)

    return route


def _app(app: str, store: RouterStore, lag: int) -> dict[str, Any]:
    state = store.state(app)
    return {
        "app": app,
        "contexts": state.contexts,
        "bytes": state.bytes,
        "windows": state.windows,
        "lines": state.lines,
        "events": state.events,
        "lag": lag,
        **_present(last_window=state.last_window),
    }


def _apps(query: Query, store: RouterStore) -> tuple[tuple[str, ...], list[str]]:
    """Return which of the apps that were asked for are known (all if none was named), and which are not."""
    asked = tuple(dict.fromkeys(query.get("app", ())))
    known = tuple(app for app in asked if app in store.apps)
    unknown = [app[:80] for app in asked if app not in known]
    if asked and not known:
        raise WorkspaceError(
            f"There is no app {unknown[0]!r}.", code="AppNotFound", next=f"Known: {', '.join(store.apps)}."
        )
    return known or store.apps, unknown


def _number(query: Query, name: str, default: float, least: float, most: float) -> float:
    text = query.get(name, [str(default)])[-1]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not value >= least:
        raise UsageError(
            f"{name} can't be {text[:80]!r}.", code="BadQuery", next=f"Use a number of {least:g} or more."
        )
    return min(value, most)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value, ensure_ascii=False).encode(), status, JSON)


def _messages(name: str, values: Iterable[bytes], **more: Any) -> Reply:
    """Return an object with the list ``name`` of messages, each as its record has it, and ``more``."""
    rest = json.dumps(_present(**more), ensure_ascii=False)[1:].encode()
    comma = b"" if rest == b"}" else b", "
    return Reply(b'{"' + name.encode() + b'": [' + b",".join(values) + b"]" + comma + rest, 200, JSON)


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
