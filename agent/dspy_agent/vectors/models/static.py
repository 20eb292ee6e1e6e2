"""The default model: a table of token vectors that ships in the package ``wordllama``.

A text's vector is the sum of its words' vectors, and a word's that of its tokens: embedding costs little more
than counting words, thousands of functions a second on one core, without a network. Of a document, the title
(its first line) is weighed apart from the rest: a mean of words knows nothing of which ones matter.

The package's files are read directly; its code, which would pull in a hub client, is not imported.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Vectors, unit
from dspy_agent.vectors.models.words import counted, fields_of
from dspy_agent_core.errors import MissingRequirement

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WEIGHTS: Final = "weights/l2_supercat_256.safetensors"
_TOKENS: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_TENSOR: Final = "embedding.weight"
_MOST_CHARACTERS: Final = 1 << 16
_MOST_WORDS: Final = 1 << 15  # whose vectors are remembered: 32 MiB
_TEXTS_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class _Words:
    """Vectors of words, and where each word's is."""

    rows: dict[str, int] = field(default_factory=dict)
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, StaticEmbedder.dimension), np.float32))

    def direction(self, words: dict[str, int]) -> NDArray[np.float32]:
        """Return the unit vector of what ``words`` say together; zeros if there are none."""
        if not words:
            return np.zeros(self.vectors.shape[1], np.float32)
        # A word said four times says twice as much as one said once.
        weights = np.sqrt(np.fromiter(words.values(), np.float32, len(words)))
        said: NDArray[np.float32] = weights @ self.vectors[[self.rows[word] for word in words]]
        return said / max(float(np.linalg.norm(said)), 1e-9)


class StaticEmbedder:
    """WordLlama's table of 32,000 tokens and 256 dimensions, with texts prepared for code."""

    # What follows + changes with how texts are prepared: other vectors, so another model.
    model: Final = "wordllama:l2_supercat_256+fields1"
    dimension: Final = 256

    def __init__(self) -> None:
        """Read the files.

        Raises:
            MissingRequirement: a package is not installed, or not whole.
        """
        self._tokenizer, self._table = _load(self.dimension)
        self._known = _Words()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one vector a text."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for at in range(0, len(texts), _TEXTS_AT_ONCE):
            batch = [fields_of(text[:_MOST_CHARACTERS]) for text in texts[at : at + _TEXTS_AT_ONCE]]
            known = self._knowing([part.words for fields in batch for part in fields])
            for row, fields in enumerate(batch, at):
                for part in fields:
                    vectors[row] += part.weight * known.direction(part.words)
        return unit(vectors, self.model)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a query."""
        words = counted(text[:_MOST_CHARACTERS])
        return self._knowing([words]).direction(words)

    def _knowing(self, batch: list[dict[str, int]]) -> _Words:
        """Return words with those of ``batch`` among them; two threads may each make their own."""
        known = self._known
        new = list(dict.fromkeys(word for words in batch for word in words if word not in known.rows))
        if not new:
            return known
        if len(known.rows) + len(new) > _MOST_WORDS:
            known, new = _Words(), list(dict.fromkeys(word for words in batch for word in words))
        encoded = self._tokenizer.encode_batch_fast(new, add_special_tokens=False)
        sums = [self._table[encoding.ids].sum(axis=0, dtype=np.float32) for encoding in encoded]
        rows = known.rows | {word: row for row, word in enumerate(new, len(known.rows))}
        self._known = _Words(rows, np.concatenate([known.vectors, np.stack(sums)]))
        return self._known


def _load(dimension: int) -> tuple[Tokenizer, NDArray[np.float16]]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
    except ImportError as error:
        raise _missing(f"{error.name} is not installed") from None
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise _missing("wordllama is not installed")
    folder = Path(spec.submodule_search_locations[0])
    try:
        table = load_file(folder / _WEIGHTS)[_TENSOR]
        tokenizer = Tokenizer.from_file(str(folder / _TOKENS))
    except (OSError, KeyError, SafetensorError) as error:
        raise _missing(f"wordllama is not whole ({type(error).__name__})") from None
    except Exception as error:  # tokenizers has no class of its own
        raise _missing(f"wordllama's tokenizer can't be read ({error})"[:200]) from None
    if table.ndim != 2 or table.shape[1] != dimension or table.shape[0] < tokenizer.get_vocab_size():
        raise _missing("wordllama has a table of another size")
    return tokenizer, table


def _missing(why: str) -> MissingRequirement:
    return MissingRequirement(
        f"The local embedding model can't be used: {why}.",
        code="NoEmbeddingModel",
        next="uv pip install 'dspy-agent[vectors]'",
    )
