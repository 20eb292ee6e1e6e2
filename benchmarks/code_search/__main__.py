"""Builds the labelled sets in the cache; get and unpack what they are made of first.

$ uv run --group dev python -m benchmarks.code_search build
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.code_search import docstrings, fetch
from benchmarks.code_search.packages import PYTHON
from benchmarks.code_search.places import HALVES, data_folder, half_of


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("command", choices=("build",))
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--set", choices=("docstring",), action="append")
    arguments = parser.parse_args()
    data: Path = arguments.data
    for kind in arguments.set or ("docstring",):
        for half in HALVES:
            packages = {
                name: fetch.wheel(name, version, data / "pypi")
                for name, version in PYTHON.items()
                if half_of(name) == half
            }
            print(kind, half, json.dumps(docstrings.build(half, packages, data)), file=sys.stderr)


if __name__ == "__main__":
    main()
