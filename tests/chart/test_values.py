"""The chart's values: what is accepted renders, what is not is refused with the name of the value."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from .conftest import CHART, ROOT, Render
from .matrix import MATRIX, REFUSED

Helm = Callable[..., subprocess.CompletedProcess[str]]


def test_lint_is_strict_and_clean(helm: Helm) -> None:
    done = helm("lint", "--strict", "--kube-version", "1.34.0", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("sets", MATRIX.values(), ids=MATRIX)
def test_renders(render: Render, sets: tuple[str, ...]) -> None:
    things = render(*sets)
    names = [(x["kind"], x["metadata"].get("namespace"), x["metadata"]["name"]) for x in things]
    assert len(set(names)) == len(names)
    assert all(x["apiVersion"] for x in things)


@pytest.mark.parametrize("sets", [pytest.param((bad, word), id=bad) for bad, word in REFUSED.items()])
def test_bad_value_is_refused_by_name(helm: Helm, sets: tuple[str, str]) -> None:
    bad, word = sets
    done = helm("template", "x", str(CHART), "--kube-version", "1.34.0", "--set", bad)
    assert done.returncode != 0
    assert word in done.stderr


def leaves(values: dict[str, Any], schema: dict[str, Any], at: str = "") -> list[str]:
    assert schema.get("additionalProperties") is False, f"{at or 'the root'} takes unknown names"
    assert set(values) == set(schema["properties"]) - {"global"}, at
    return [
        name
        for key, value in values.items()
        for name in (
            leaves(value, schema["properties"][key], f"{at}{key}.")
            if "properties" in schema["properties"][key]
            else [f"{at}{key}"]
        )
    ]


def test_schema_and_values_name_the_same() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert len(leaves(values, schema)) > 20


def test_copies_and_reference_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "helm" / "sync.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_versions_agree() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{chart["appVersion"]}"' in project
    assert chart["version"] == chart["appVersion"]
