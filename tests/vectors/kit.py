"""Vectors and texts that tests make."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

MODEL = "test:words"
DIMENSION = 64


def keys_of(texts: Sequence[str]) -> np.ndarray:
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def numbers(count: int, start: int = 0) -> np.ndarray:
    """Keys that are spread over the whole range."""
    return np.arange(start, start + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


class WordEmbedder:
    """Deterministic: each text has a direction of its own."""

    model = MODEL
    dimension = DIMENSION

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += texts
        return np.stack([vectors(1, int(keys_of([text])[0] >> np.uint64(1)))[0] for text in texts])

    def embed_query(self, text: str) -> np.ndarray:
        return self.embed_documents([text])[0]


class Texts:
    """A source of texts, some of them gone."""

    def __init__(self, texts: Sequence[str | None], keys: np.ndarray | None = None) -> None:
        self._texts = texts
        self.keys = keys_of([text or f"gone {at}" for at, text in enumerate(texts)]) if keys is None else keys

    def texts(self, positions: np.ndarray) -> list[str | None]:
        return [self._texts[position] for position in positions]
