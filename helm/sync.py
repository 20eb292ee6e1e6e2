"""Makes what the chart holds twice: the CRDs of ``crds/`` in the chart, and the reference of its values.

``sync.py`` writes them; ``sync.py --check`` writes nothing and exits 1 if one is stale.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm" / "dspy-agent"
CRDS = CHART / "files" / "crds"
REFERENCE = ROOT / "docs" / "reference" / "values.md"
HEADER = """# Values of the chart

Made from `helm/dspy-agent/values.yaml` by `helm/sync.py`; edit that file, not this one.
Set them by `--set name=value` or in a file given by `--values`. Unknown names are refused.

| value | default | takes | what it does |
|---|---|---|---|
"""
KEY = re.compile(r"^( *)([A-Za-z]+):( .*)?$")


def comments(text: str) -> Iterator[tuple[str, str]]:
    """Yield each key of a values file as a dotted path, with the comment right above it."""
    path: list[str] = []
    note: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            note.append(line.lstrip("# "))
        elif match := KEY.match(line):
            path[len(match[1]) // 2 :] = [match[2]]
            yield ".".join(path), " ".join(note)
            note = []
        else:
            note = []


def takes(schema: dict[str, Any]) -> str:
    """Return in words what a value's schema accepts."""
    if "enum" in schema:
        return " or ".join(f"`{choice}`" for choice in schema["enum"])
    words = str(schema["type"])
    if "minimum" in schema:
        words += f", {schema['minimum']}" + (
            f" to {schema['maximum']}" if "maximum" in schema else " or more"
        )
    return words


def rows(
    values: dict[str, Any], schema: dict[str, Any], notes: dict[str, str], at: str = ""
) -> Iterator[str]:
    """Yield one table row for each value that can be set."""
    for name, default in values.items():
        path = f"{at}.{name}" if at else name
        below = schema["properties"][name]
        if "properties" in below:
            yield from rows(default, below, notes, path)
        else:
            yield f"| `{path}` | `{json.dumps(default)}` | {takes(below)} | {notes[path]} |\n"


def reference() -> str:
    """Return the reference page of the chart's values."""
    text = (CHART / "values.yaml").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    return HEADER + "".join(rows(yaml.safe_load(text), schema, dict(comments(text))))


def wanted() -> dict[Path, str]:
    """Return the text of every file that this program makes."""
    copies = {CRDS / source.name: source.read_text() for source in sorted((ROOT / "crds").glob("*.yaml"))}
    return {**copies, REFERENCE: reference()}


def main() -> int:
    """Write what is stale, or with ``--check`` only name it."""
    files = wanted()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    extra = [path for path in CRDS.glob("*.yaml") if path not in files]
    if "--check" in sys.argv[1:]:
        for path in stale + extra:
            print(
                f"{path.relative_to(ROOT)} is stale; run: uv run --group dev python helm/sync.py",
                file=sys.stderr,
            )
        return 1 if stale or extra else 0
    for path in extra:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path])
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
