"""ripgrep, as one who greps: the lines that hold most of the query's words, counted by file first."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from benchmarks.code_search.score import Hit

_WORD = re.compile(r"\w{3,}")
_COMMON = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "that",
        "this",
        "from",
        "are",
        "not",
        "will",
        "all",
        "any",
        "can",
        "has",
        "its",
        "into",
        "one",
        "if",
    ]
)


class Ripgrep:
    """Files by how many different words of the query they hold, then by fewer matching lines.

    Of each file its best line is told: the one with most of the words.
    """

    name = "ripgrep"

    def prepare(self, root: Path) -> float:
        """Need nothing: that is its strength."""
        self._root = root
        self._program = shutil.which("rg") or "rg"
        return 0.0

    def search(self, query: str, k: int) -> list[Hit]:
        """Return one line for each of the ``k`` best files."""
        words = sorted({word.lower() for word in _WORD.findall(query)} - _COMMON)
        if not words:
            return []
        options = [f"-e{re.escape(word)}" for word in words]
        command = [self._program, "--json", "-i", "--no-config", *options, "."]
        answer = subprocess.run(command, cwd=self._root, capture_output=True, check=False)
        held: dict[str, set[str]] = defaultdict(set)
        best: dict[str, tuple[int, int]] = {}
        lines: dict[str, int] = defaultdict(int)
        for row in answer.stdout.splitlines():
            match = json.loads(row)
            path = match["data"].get("path", {}).get("text") if match["type"] == "match" else None
            if path is None:
                continue
            found = {part["match"].get("text", "").lower() for part in match["data"]["submatches"]}
            held[path] |= found
            lines[path] += 1
            best[path] = max(best.get(path, (0, 0)), (len(found), -match["data"]["line_number"]))
        ranked = sorted(held, key=lambda path: (-len(held[path]), lines[path], path))[:k]
        return [(path.removeprefix("./"), -best[path][1], -best[path][1]) for path in ranked]
