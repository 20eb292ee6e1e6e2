"""Figures of the kept results: shares with their intervals, for each half, kind of task and system."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from benchmarks.bugs.score import wilson

Rows = list[dict[str, Any]]


def summary(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row of figures for each half, kind and system."""
    groups: dict[tuple[str, str, str], Rows] = defaultdict(list)
    for row in rows:
        groups[row["half"], row["kind"], row["system"]].append(row)
    return [
        {"half": half, "kind": kind, "system": system, **figures(group)}
        for (half, kind, system), group in sorted(groups.items())
    ]


def figures(rows: Rows) -> dict[str, Any]:
    """Return the figures of one group."""
    found: dict[str, Any] = {"bugs": len(rows)}
    for name, hits in (
        *((f"top{k}", sum((row["rank"] or 99) <= k for row in rows)) for k in (1, 3, 5)),
        *((name, sum(row[name] for row in rows)) for name in ("changed", "parses", "mended")),
    ):
        found[name] = hits
        found[f"{name}_95"] = [round(bound, 3) for bound in wilson(hits, len(rows))]
    found["seconds_median"] = statistics.median(row["seconds"] for row in rows)
    found["seconds_mean"] = round(statistics.fmean(row["seconds"] for row in rows), 1)
    for name in ("calls", "prompt_tokens", "answer_tokens"):
        found[f"{name}_mean"] = round(statistics.fmean(row[name] for row in rows), 1)
    return found


def table(figures_of: Iterable[dict[str, Any]]) -> str:
    """Return the figures as a table for people."""
    lines = [
        "| half, told | system | top 1 / 3 / 5 | parses | mended | s a bug | calls | tokens in / out |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in figures_of:
        of, mended = one["bugs"], one["mended"]
        low, high = one["mended_95"]
        tops = " / ".join(f"{one[name] / of:.2f}" for name in ("top1", "top3", "top5"))
        parses = f"{one['parses']} of {of}"
        share = f"{mended} of {of} = {mended / of:.2f} [{low:.2f}, {high:.2f}]"
        cells = (
            f"{one['half']}, {one['kind']}",
            one["system"],
            tops,
            *((parses, share) if one["changed"] else ("–", "–")),
            f"{one['seconds_median']:.1f}",
            f"{one['calls_mean']:.1f}",
            f"{one['prompt_tokens_mean']:.0f} / {one['answer_tokens_mean']:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
