"""The one place that knows pymilvus: one collection, and one error for all that can go wrong with it.

Each call has a time limit. After a call that ran into it, calls fail at once for a while: a session that
falls back to what works without vectors should not wait at each query for a server that hangs.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Vectors
from dspy_agent.vectors.errors import VectorStoreError
from dspy_agent_core.errors import MissingRequirement

if TYPE_CHECKING:
    from pymilvus import MilvusClient

_T = TypeVar("_T")

MOST_HITS: Final = 16_384  # Milvus gives no more in one answer
_CONNECT_SECONDS: Final = 3.0
_SEARCH_SECONDS: Final = 5.0
_WRITE_SECONDS: Final = 30.0
_SLOW_SECONDS: Final = 1.0
_REST_SECONDS: Final = 30.0
_ROWS_AT_ONCE: Final = 1000
_IDS_AT_ONCE: Final = 4096
_ROWS_A_FLUSH: Final = 2000

Ids = NDArray[np.int64]


class Collection:
    """Unit vectors by 64-bit ids, in the collection ``name`` of the server at ``uri``.

    Args:
        uri: ``http(s)://`` or ``milvus://``, or the path of a Milvus Lite file that ends in ``.db``.
        token: a token, or ``user:password``; by default those in ``uri``.
        name: of the collection, which is made with the first vectors.
        dimension: of the vectors.
    """

    def __init__(self, uri: str, token: str, name: str, dimension: int) -> None:
        self._uri, self._token = _address(uri, token)
        self._lite = "://" not in uri
        self._name = name
        self._dimension = dimension
        self._lock = threading.RLock()
        self._client: MilvusClient | None = None
        self._there = False
        self._unflushed = 0
        self._rest_until = 0.0

    def present(self, ids: Ids) -> set[int]:
        """Return which of ``ids`` have a vector."""

        def ask(client: MilvusClient) -> set[int]:
            found: set[int] = set()
            for at in range(0, len(ids), _IDS_AT_ONCE):
                rows = client.query(
                    self._name,
                    ids=ids[at : at + _IDS_AT_ONCE].tolist(),
                    output_fields=["key"],
                    consistency_level="Strong",
                    timeout=_WRITE_SECONDS,
                )
                found.update(int(row["key"]) for row in rows)
            return found

        return self._call(ask, set())

    def count(self) -> int:
        """Return how many vectors there are."""

        def ask(client: MilvusClient) -> int:
            rows = client.query(self._name, filter="", output_fields=["count(*)"], timeout=_SEARCH_SECONDS)
            return int(rows[0]["count(*)"])

        return self._call(ask, 0)

    def ids(self) -> Ids:
        """Return all ids."""

        def ask(client: MilvusClient) -> Ids:
            pages = client.query_iterator(
                self._name, batch_size=_IDS_AT_ONCE, output_fields=["key"], timeout=_WRITE_SECONDS
            )
            found: list[int] = []
            try:
                while page := pages.next():
                    found += [int(row["key"]) for row in page]
            finally:
                pages.close()
            return np.array(found, np.int64)

        return self._call(ask, np.zeros(0, np.int64))

    def upsert(self, ids: Ids, vectors: Vectors) -> None:
        """Keep ``vectors``; the collection is made if need be."""

        def tell(client: MilvusClient) -> None:
            for at in range(0, len(ids), _ROWS_AT_ONCE):
                batch = slice(at, at + _ROWS_AT_ONCE)
                rows = zip(ids[batch].tolist(), vectors[batch], strict=True)
                data = [{"key": key, "vector": vector} for key, vector in rows]
                client.upsert(self._name, data, timeout=_WRITE_SECONDS)
            self._unflushed += len(ids)
            if self._lite and self._unflushed >= _ROWS_A_FLUSH:  # it searches a hundred times faster then
                client.flush(self._name, timeout=_WRITE_SECONDS)
                self._unflushed = 0

        self._call(tell, None, create=True)

    def delete(self, ids: Ids) -> None:
        """Drop the vectors of ``ids``."""

        def tell(client: MilvusClient) -> None:
            for at in range(0, len(ids), _IDS_AT_ONCE):
                client.delete(self._name, ids=ids[at : at + _IDS_AT_ONCE].tolist(), timeout=_WRITE_SECONDS)

        self._call(tell, None)

    def search(self, query: NDArray[np.float32], count: int) -> tuple[Ids, NDArray[np.float32]]:
        """Return the ids and inner products of the ``count`` nearest to ``query``, best first."""

        def ask(client: MilvusClient) -> tuple[Ids, NDArray[np.float32]]:
            hits = client.search(
                self._name,
                data=[query],
                limit=min(count, MOST_HITS),
                output_fields=["key"],
                search_params={"metric_type": "IP"},
                timeout=_SEARCH_SECONDS,
            )[0]
            ids = np.fromiter((hit["key"] for hit in hits), np.int64, len(hits))
            return ids, np.fromiter((hit["distance"] for hit in hits), np.float32, len(hits))

        return self._call(ask, (np.zeros(0, np.int64), np.zeros(0, np.float32)))

    def close(self) -> None:
        """Let go of the server; a Milvus Lite file can then be opened by another process."""
        was_open = self._client is not None
        self._let_go()
        if self._lite and was_open:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(self._uri)

    def _let_go(self) -> None:
        """Forget the connection and the collection: both may be others at the next call."""
        with self._lock:
            client, self._client, self._there = self._client, None, False
        if client is not None:
            with suppress(Exception):  # of a server that is gone
                client.close()

    def _call(self, ask: Callable[[MilvusClient], _T], nothing: _T, *, create: bool = False) -> _T:
        """Return what ``ask`` does, ``nothing`` if there is no collection; all that fails is one error."""
        began = time.monotonic()
        if began < self._rest_until:
            raise self._error("it did not answer just now")
        _check_installed(self._lite)
        try:
            with self._lock:
                client = self._client = self._client or self._connect()
                self._there = self._there or self._open(client, create)
            return ask(client) if self._there else nothing
        except Exception as error:  # pymilvus, grpc and Milvus Lite each have their own, and some none
            self._let_go()
            if time.monotonic() - began > _SLOW_SECONDS:
                self._rest_until = time.monotonic() + _REST_SECONDS
            raise self._error(_why(error)) from None

    def _connect(self) -> MilvusClient:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        import pymilvus

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)  # errors are told once, by us
        return pymilvus.MilvusClient(self._uri, token=self._token, timeout=_CONNECT_SECONDS, dedicated=True)

    def _open(self, client: MilvusClient, create: bool) -> bool:
        if client.has_collection(self._name, timeout=_SEARCH_SECONDS):
            client.load_collection(self._name, timeout=_WRITE_SECONDS)
            return True
        if create:
            from pymilvus import DataType

            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("key", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
            index = client.prepare_index_params()
            index.add_index("vector", index_type="FLAT" if self._lite else "AUTOINDEX", metric_type="IP")
            client.create_collection(
                self._name,
                schema=schema,
                index_params=index,
                consistency_level="Bounded",
                timeout=_WRITE_SECONDS,
            )
        return create

    def _error(self, why: str) -> VectorStoreError:
        what = "Milvus Lite" if self._lite else f"Milvus at {self._uri}"
        return VectorStoreError(
            f"{what} can't be used: {why}.",
            code="VectorStoreDown",
            next="Start it, or correct DSPY_AGENT_VECTOR_STORE; without it the local files: unset it",
        )


def _check_installed(lite: bool) -> None:
    from importlib.util import find_spec

    extra = "milvus-lite" if lite else "milvus"
    missing = [name for name in ("pymilvus", *(["milvus_lite"] if lite else [])) if find_spec(name) is None]
    if missing:
        raise MissingRequirement(
            f"The package {missing[0]} is not installed.",
            code="NoVectorStore",
            next=f"uv pip install 'dspy-agent[{extra}]', or unset DSPY_AGENT_VECTOR_STORE",
        )


def _address(uri: str, token: str) -> tuple[str, str]:
    """Return the address as pymilvus wants it, without user and password, and the token."""
    if "://" not in uri:
        return uri, ""
    parts = urlsplit(uri)
    user, _, host = parts.netloc.rpartition("@")
    scheme = "http" if parts.scheme == "milvus" else parts.scheme
    return urlunsplit(parts._replace(scheme=scheme, netloc=host)), token or unquote(user)


def _why(error: Exception) -> str:
    code = getattr(error, "code", None)
    if callable(code):  # of grpc
        return str(code()).removeprefix("StatusCode.").replace("_", " ").lower()
    said = " ".join(str(getattr(error, "message", "") or error or type(error).__name__).split())
    return said[:200].rstrip(".")
