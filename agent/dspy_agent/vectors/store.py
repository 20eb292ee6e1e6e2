"""Where vectors are kept: what every store does, and which one the environment asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Keys, Positions, Vectors
from dspy_agent.vectors.embedder import Embedder
from dspy_agent.vectors.local.files import read_name
from dspy_agent.vectors.local.store import LocalStore
from dspy_agent.vectors.naming import collection_name, folder_name
from dspy_agent_core.contracts.cluster import vector_token
from dspy_agent_core.errors import UsageError

STORE_VARIABLE: Final = "DSPY_AGENT_VECTOR_STORE"
PREFIX_VARIABLE: Final = "DSPY_AGENT_VECTOR_COLLECTION_PREFIX"
_SCHEMES: Final = ("milvus://", "http://", "https://")


class VectorStore(Protocol):
    """Vectors of one model, by the keys of the texts that they were made of."""

    @property
    def model(self) -> str:
        """The full id of the model."""

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""

    @property
    def fill_lock(self) -> Path:
        """The file that whoever fills this store holds."""

    @property
    def notes(self) -> list[str]:
        """What the user should hear: what was damaged, and the like."""

    def __len__(self) -> int:
        """Return how many vectors there are, of keys no longer alive too."""

    def have(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which of ``keys`` have a vector."""

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keep ``vectors``, durably; a key that has one already keeps it or gets the new one."""

    def search(
        self, query: NDArray[np.float32], keys: Keys, limit: int
    ) -> tuple[Positions, NDArray[np.float32]]:
        """Return positions in ``keys`` (those alive now) and cosines, best first.

        Keys without a vector are passed over. The same array again, unchanged, saves looking keys up.
        """

    def prune(self, keys: Keys) -> int:
        """Drop what is not of ``keys`` if that is worth it; return how many vectors went."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Vectors that a folder has: of which model, of which dimension, and where."""

    model: str
    dimension: int
    folder: Path


def open_store(
    folder: Path,
    model: Embedder | tuple[str, int],
    uri: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> VectorStore:
    """Return the store of a model's vectors; nothing is made before something is added.

    Args:
        folder: of all vectors of a workspace (``.dspy_index/vectors``).
        model: whose vectors they are: a model, or its id and dimension.
        uri: where they are kept; by default what ``DSPY_AGENT_VECTOR_STORE`` says: nothing for files in
            ``folder``, ``lite`` for a Milvus Lite file there, ``milvus://HOST:PORT`` or an ``http(s)://``
            address for a Milvus server.
        environment: has the token and the prefix of collections.

    Raises:
        UsageError: the address or the prefix is none.
        MissingRequirement: pymilvus or Milvus Lite is not installed.
        VectorStoreError: the server does not answer.
    """
    name, dimension = model if isinstance(model, tuple) else (model.model, model.dimension)
    uri = environment.get(STORE_VARIABLE, "") if uri is None else uri
    if not uri:
        return LocalStore(folder / folder_name(name, dimension), name, dimension)
    lite = uri == "lite"
    if not lite and not uri.startswith(_SCHEMES):
        raise UsageError(
            "The address of the vector store is none.",
            code="BadVectorStore",
            next=f"export {STORE_VARIABLE}=lite, or =milvus://HOST:PORT; or unset it: files in the workspace",
        )
    from dspy_agent.vectors.milvus.store import MilvusStore

    return MilvusStore(
        uri="" if lite else uri,
        token=vector_token(environment),
        collection=collection_name(environment.get(PREFIX_VARIABLE, ""), name, dimension),
        folder=folder,
        model=name,
        dimension=dimension,
    )


def models_here(folder: Path) -> list[Kept]:
    """Return whose vectors ``folder`` has in files, so that a change of model can be told."""
    found = []
    for path in sorted(folder.glob("*-*")):
        said = read_name(path)
        if said and isinstance(said.get("model"), str) and isinstance(said.get("dimension"), int):
            kept = Kept(said["model"], said["dimension"], path)
            if folder_name(kept.model, kept.dimension) == path.name:
                found.append(kept)
    return found
