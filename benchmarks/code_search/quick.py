"""The loop for tuning: one ranker on one half, figures and misses on the terminal, nothing written.

$ uv run --group dev python -m benchmarks.code_search.quick --set docstring --half tuning --ranker project
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.code_search.dataset import KINDS, load
from benchmarks.code_search.places import HALVES, data_folder
from benchmarks.code_search.rankers import make
from benchmarks.code_search.score import Outcome, evaluate, summary


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--set", choices=KINDS, default="docstring", dest="kind")
    parser.add_argument("--half", choices=HALVES, default="tuning")
    parser.add_argument("--ranker", "--module", default="project", help="a name, or MODULE:CLASS")
    parser.add_argument("--limit", type=int, help="only the first queries")
    parser.add_argument("--misses", type=int, default=0, help="print queries whose answer is not first")
    parser.add_argument("--by", choices=("package", "language", "kind"), help="MRR@10 by that")
    parser.add_argument("--data", type=Path, default=data_folder())
    arguments = parser.parse_args()
    code_set = load(arguments.kind, arguments.half, arguments.data)
    outcomes, seconds = evaluate(make(arguments.ranker), code_set, limit=arguments.limit)
    for one in [one for one in outcomes if one.reciprocal() < 1][: arguments.misses]:
        places = ", ".join(f"{target.path}:{target.line}" for target in one.query.targets[:3])
        print(f"{one.ranks[0] if one.ranks else '-':>4}  {one.query.query}  → {places}")
    if arguments.by:
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for one in outcomes:
            groups[getattr(one.query, arguments.by)].append(one)
        for name, group in sorted(groups.items()):
            print(f"{sum(one.reciprocal() for one in group) / len(group):.3f} {len(group):>5}  {name}")
    print(json.dumps(summary(outcomes, seconds)), file=sys.stdout)


if __name__ == "__main__":
    main()
