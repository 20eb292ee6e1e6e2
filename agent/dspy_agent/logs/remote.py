"""Asks the router of the log streams for the contexts of apps."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from dspy_agent.streams.settings import ROUTER_VARIABLE
from dspy_agent_core.errors import UsageError, WorkspaceError

if TYPE_CHECKING:
    from dspy_agent_core.contracts.messages import Context

_SECONDS: Final = 2.0
_MAX_BYTES: Final = 64 << 20
_LIMIT: Final = 1000


class RouterDown(Exception):
    """The router gives no usable answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """Contexts in the order in which they came to the router.

    ``cursor`` asks for those that come later; ``trouble`` says why none does just now; ``refused`` counts
    those that can't be read; ``unknown`` are apps that were asked for and are not served.
    """

    contexts: tuple[Context, ...]
    cursor: str
    trouble: str | None = None
    refused: int = 0
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Served:
    """The apps that the router serves; ``trouble`` says why nothing new comes just now."""

    apps: tuple[str, ...]
    trouble: str | None = None


class RouterClient:
    """A client of the router at ``url``.

    Raises:
        UsageError: ``url`` is no HTTP address.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(
                f"{url!r} is no address of a router.",
                code="BadRouter",
                next=f"Set {ROUTER_VARIABLE} to one such as http://router:8645, or unset it.",
            )
        self.url = url.rstrip("/")

    def contexts(self, apps: Sequence[str], after: str | None = None, wait: float = 0.0) -> Contexts:
        """Return the recent contexts of ``apps`` (none: all), or those past the cursor ``after``.

        Raises:
            RouterDown: there is no usable answer in time.
            WorkspaceError: the router knows none of the apps.
        """
        query = [("app", app) for app in apps] + [("limit", str(_LIMIT))]
        query += [("after", after), ("wait", f"{wait:g}")] if after else []
        status, answer = self._get(f"/v1/contexts?{urlencode(query)}", wait)
        if status == 404 and _code(answer) == "AppNotFound":
            error = answer["error"]
            raise WorkspaceError(str(error["message"]), code="AppNotFound", next=str(error.get("next")))
        found = answer.get("contexts") if isinstance(answer, dict) else None
        if status != 200 or not isinstance(found, list):
            raise RouterDown(f"its answer can't be used (HTTP {status})")
        contexts, refused = _decoded(found)
        trouble = answer.get("trouble")
        unknown = answer.get("unknown")
        return Contexts(
            contexts,
            str(answer.get("cursor")),
            str(trouble) if trouble else None,
            refused,
            tuple(map(str, unknown)) if isinstance(unknown, list) else (),
        )

    def apps(self) -> Served:
        """Return what the router serves.

        Raises:
            RouterDown: there is no usable answer in time.
        """
        status, answer = self._get("/v1/apps", 0.0)
        found = answer.get("apps") if isinstance(answer, dict) else None
        if status != 200 or not isinstance(found, list):
            raise RouterDown(f"its answer can't be used (HTTP {status})")
        trouble = answer.get("trouble")
        names = tuple(str(app.get("app")) for app in found if isinstance(app, dict))
        return Served(names, str(trouble) if trouble else None)

    def _get(self, path: str, wait: float) -> tuple[int, Any]:
        import urllib3

        timeout = urllib3.Timeout(connect=_SECONDS, read=wait + _SECONDS)
        try:
            with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
                answer = pool.request("GET", self.url + path, preload_content=False, redirect=False)
                body = answer.read(_MAX_BYTES + 1, decode_content=False)
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise RouterDown(_reason(error)) from None
        if len(body) > _MAX_BYTES:
            raise RouterDown("its answer is too large")
        try:
            return answer.status, json.loads(body)
        except (ValueError, RecursionError):
            raise RouterDown(f"its answer is no JSON (HTTP {answer.status})") from None


class Asking:
    """A question to the router that is on its way; its name may take long to resolve."""

    def __init__(self, client: RouterClient, apps: Sequence[str]) -> None:
        self._answer: Contexts | Exception | None = None
        self._done = threading.Event()
        threading.Thread(target=self._ask, args=(client, apps), name="router", daemon=True).start()

    def _ask(self, client: RouterClient, apps: Sequence[str]) -> None:
        try:
            self._answer = client.contexts(apps)
        except (RouterDown, WorkspaceError) as error:
            self._answer = error
        self._done.set()

    def answer(self) -> Contexts | Exception:
        """Return the answer, or what kept the router from giving one."""
        self._done.wait(_SECONDS + 0.5)
        return self._answer or RouterDown(f"no answer within {_SECONDS:g} s")


def _decoded(found: list[Any]) -> tuple[tuple[Context, ...], int]:
    from dspy_agent_core.contracts.messages import BadMessage, Context, decode

    contexts: dict[str, Context] = {}
    refused = 0
    for item in found:
        try:
            context = decode(Context, json.dumps(item).encode())
        except BadMessage:
            refused += 1
            continue
        contexts[context.id] = context
    return tuple(contexts.values()), refused


def _code(answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    return str(error.get("code")) if isinstance(error, dict) else ""


def _reason(error: Exception) -> str:
    text = str(error)
    for known in ("Connection refused", "timed out", "Name or service not known", "reset by peer"):
        if known in text:
            return known.lower()
    return text.rpartition(": ")[2][:200] or type(error).__name__
