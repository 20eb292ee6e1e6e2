"""The audit: lists what there is, compares it with what should be, and queues only what differs.

It runs at start (a restart of a settled cluster writes nothing and reads no object by name), after a
watch was lost (a deletion in the gap shows in no later event), and every now and then.

Memory is bounded by what must be known of each workspace at once: its desired children lie packed
between the lists, live objects are compared page by page and forgotten.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from dspy_agent_core.contracts.cluster import LABEL_MANAGED_BY, LABEL_WORKSPACE, MANAGED_BY
from dspy_operator.api.workspace import InvalidSpec, parse
from dspy_operator.children import (
    ALL_KINDS,
    CLAIM,
    OPTIONAL_KINDS,
    Child,
    Kind,
    Ref,
    possible_refs,
    stream_refs,
    vector_refs,
)
from dspy_operator.desired import desired
from dspy_operator.facts import Claim, Facts
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.discovery import served
from dspy_operator.kube.errors import NotFound, ServerError
from dspy_operator.kube.kinds import JOB, WORKSPACE
from dspy_operator.lifecycle import due_for_deletion, next_deadline, suspension
from dspy_operator.observe import Observed, State, claim_facts, observe
from dspy_operator.queue import Key
from dspy_operator.reconcile.base import Clock, version_of
from dspy_operator.reconcile.progress import POLL_LONGEST_SECONDS
from dspy_operator.reconcile.workspace import is_ready
from dspy_operator.settings import Settings
from dspy_operator.status import status

OUR_CHILDREN: Final = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
_SETTLED: Final = (State.MATCHES, State.KEPT, State.ABSENT)
_BREATH: Final = 20  # workspaces between two turns for the rest of the process

Scope = str | None  # a namespace, or None for all of them
Position = dict[tuple[Kind, Scope], str]  # resourceVersion of each list


@dataclass(frozen=True, slots=True)
class Found:
    """What the audit says of one resource of ours.

    ``again``: reconcile it now. ``after``: nothing differs, but look again after so many seconds.
    """

    key: Key
    version: tuple[str, str]
    status: dict[str, Any]
    again: bool
    after: float | None = None


@dataclass(slots=True)
class _Case:
    """One workspace while the lists pass by; ``packed`` is the resource, ``children`` what it should have."""

    version: tuple[str, str]
    packed: bytes
    children: dict[Ref, bytes] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    observed: dict[Ref, Observed] = field(default_factory=dict)
    again: bool = False


class Audit:
    """Compares whole lists; holds nothing between two runs.

    Args:
        scopes: namespaces to list, or ``(None,)`` for the whole cluster.
    """

    def __init__(self, client: KubeClient, settings: Settings, scopes: Iterable[Scope], now: Clock) -> None:
        self._client = client
        self._settings = settings
        self._scopes = tuple(scopes)
        self._now = now
        self.served: frozenset[Kind] = frozenset()  # of the optional kinds, at the last run

    async def run(self, tell: Callable[[Found], None]) -> Position:
        """Call ``tell`` for every workspace and job; return where watches of children can start.

        Raises:
            KubeError: a list could not be had; NotFound if our CRDs are not there.
        """
        cases = await self._workspaces()
        position: Position = {}
        async for ref, live in self._children(CLAIM, position):
            self._note_claim(cases, ref, live)
        self.served = await served(self._client, OPTIONAL_KINDS)
        await self._plan(cases)
        for kind in (*ALL_KINDS, *self.served):
            try:
                async for ref, live in self._children(kind, position):
                    case = cases.get(_owner(live))
                    if case is not None:
                        _compare(case, ref, live)
            except NotFound as error:
                raise ServerError(f"{kind.kind} went while it was listed.") from error
        await self._conclude(cases, tell)
        await self._jobs(tell)
        return position

    async def _workspaces(self) -> dict[tuple[str, str], _Case]:
        cases: dict[tuple[str, str], _Case] = {}
        for scope in self._scopes:
            async for page in self._client.pages(WORKSPACE.path(scope)):
                for obj in page.items:
                    meta = obj["metadata"]
                    meta.pop("managedFields", None)
                    cases[meta["namespace"], meta["name"]] = _Case(version_of(obj), _pack(obj))
        return cases

    async def _children(self, kind: Kind, position: Position) -> AsyncIterator[tuple[Ref, Object]]:
        for scope in self._scopes:
            async for page in self._client.pages(kind.path(scope), labels=OUR_CHILDREN):
                position[kind, scope] = page.resource_version
                for live in page.items:
                    # Lists leave these two out of their items.
                    live |= {"apiVersion": kind.api_version, "kind": kind.kind}
                    meta = live["metadata"]
                    yield Ref(kind.api_version, kind.kind, meta["namespace"], meta["name"]), live
                await asyncio.sleep(0)

    def _note_claim(self, cases: dict[tuple[str, str], _Case], ref: Ref, live: Object) -> None:
        case = cases.get(_owner(live))
        if case is not None:
            claim = claim_facts(ref, live, case.version[0])
            if claim is not None:
                case.claims[ref.name] = claim

    async def _plan(self, cases: dict[tuple[str, str], _Case]) -> None:
        """Note what each workspace should have."""
        for count, case in enumerate(cases.values()):
            if count % _BREATH == 0:
                await asyncio.sleep(0)
            try:
                workspace = parse(_unpack(case.packed))
            except InvalidSpec:
                case.again = True
                continue
            for child in desired(workspace, self._facts(case), self._settings):
                case.children[child.ref] = _pack(child.body)

    async def _conclude(self, cases: dict[tuple[str, str], _Case], tell: Callable[[Found], None]) -> None:
        for count, ((namespace, name), case) in enumerate(cases.items()):
            if count % _BREATH == 0:
                await asyncio.sleep(0)
            key = Key(WORKSPACE.plural, namespace, name)
            obj = _unpack(case.packed)
            if "deletionTimestamp" not in obj["metadata"]:
                tell(self._judge(key, case, obj))

    def _judge(self, key: Key, case: _Case, obj: Object) -> Found:
        previous = obj.get("status") or {}
        if case.again:
            return Found(key, case.version, previous, again=True)
        for ref in case.children.keys() - case.observed.keys():
            case.observed[ref] = observe(ref, _child(case, ref), None, case.version[0])
        workspace, facts = parse(obj), self._facts(case)
        again = any(seen.state not in _SETTLED for seen in case.observed.values())
        if again or due_for_deletion(workspace, facts):
            return Found(key, case.version, previous, again=True)
        new = status(workspace, case.observed, (), facts, self._settings, previous)
        if is_ready(new) or suspension(workspace, facts):
            return Found(key, case.version, previous, new != previous, next_deadline(workspace, facts))
        # Why it is not ready, only its pods tell: whether that changed, a look must find out.
        current = previous.get("observedGeneration") == workspace.meta.generation
        again = is_ready(previous) or not current
        return Found(key, case.version, previous, again, POLL_LONGEST_SECONDS)

    def _facts(self, case: _Case) -> Facts:
        return Facts(self._now(), claims=case.claims, served=self.served)

    async def _jobs(self, tell: Callable[[Found], None]) -> None:
        for scope in self._scopes:
            async for page in self._client.pages(JOB.path(scope)):
                for obj in page.items:
                    meta = obj["metadata"]
                    key = Key(JOB.plural, meta["namespace"], meta["name"])
                    shown = obj.get("status") or {}
                    current = shown.get("observedGeneration") == meta.get("generation")
                    tell(Found(key, version_of(obj), shown, again=not current))


def _compare(case: _Case, ref: Ref, live: Object) -> None:
    if ref in case.children or _is_possible(ref, _owner(live)[1]):
        case.observed[ref] = observe(ref, _child(case, ref), live, case.version[0])


def _is_possible(ref: Ref, workspace: str) -> bool:
    named = (
        *possible_refs(ref.namespace, workspace),
        *stream_refs(ref.namespace, workspace),
        *vector_refs(ref.namespace, workspace),
    )
    return ref in named or any(ref.kind == kind.kind for kind in OPTIONAL_KINDS)


def _child(case: _Case, ref: Ref) -> Child | None:
    packed = case.children.get(ref)
    return Child(ref, _unpack(packed)) if packed else None


def _owner(live: Object) -> tuple[str, str]:
    meta = live["metadata"]
    return meta["namespace"], workspace_of(meta)


def _pack(body: Object) -> bytes:
    return zlib.compress(orjson.dumps(body), 1)


def _unpack(packed: bytes) -> Object:
    value: Object = orjson.loads(zlib.decompress(packed))
    return value


def workspace_of(meta: Mapping[str, Any]) -> str:
    """Return the workspace that an object belongs to by owner reference, else by label, or ''."""
    for owner in meta.get("ownerReferences") or ():
        if owner.get("kind") == WORKSPACE.kind and owner.get("apiVersion") == WORKSPACE.api_version:
            return str(owner.get("name", ""))
    return str((meta.get("labels") or {}).get(LABEL_WORKSPACE, ""))
