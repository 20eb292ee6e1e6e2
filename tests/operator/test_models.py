"""The models: bounded everywhere, generated files fresh, settings from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dspy_operator.api.crd import RESOURCES, definition
from dspy_operator.api.generate import main, pages
from dspy_operator.settings import InvalidSettings, Settings

ROOT = Path(__file__).parents[2]


def unbounded(schema: dict[str, Any], path: str) -> list[str]:
    found = []
    kind = schema.get("type")
    short = schema.get("enum") or schema.get("format") == "date-time"
    if kind == "string" and not short and "maxLength" not in schema:
        found.append(path)
    if kind in ("integer", "number") and not {"minimum", "maximum"} <= schema.keys():
        found.append(path)
    if kind == "array" and "maxItems" not in schema:
        found.append(path)
    if "additionalProperties" in schema and "maxProperties" not in schema:
        found.append(path)
    for name, child in schema.get("properties", {}).items():
        found += unbounded(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            found += unbounded(schema[key], f"{path}[]")
    return found


def undescribed(schema: dict[str, Any], path: str) -> list[str]:
    found = [
        f"{path}.{name}"
        for name, child in schema.get("properties", {}).items()
        if not child.get("description")
    ]
    for name, child in schema.get("properties", {}).items():
        found += undescribed(child.get("items", child), f"{path}.{name}")
    return found


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_everything_is_bounded_and_described(resource: Any, part: str) -> None:
    root = definition(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert unbounded(root["properties"][part], part) == []
    assert undescribed(root["properties"][part], part) == []


@pytest.mark.parametrize("path", list(pages()), ids=str)
def test_generated_files_are_fresh(path: Path) -> None:
    assert (ROOT / path).read_text("utf-8") == pages()[path]


def test_the_generator_writes_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "docs/reference/crds.md").write_text("old")
    assert main(["--check"]) == 1


def test_columns() -> None:
    columns = {resource.kind: [name for name, _, _ in resource.columns] for resource in RESOURCES}
    assert columns["AgentWorkspace"] == ["Ready", "Reason", "Mode", "Model", "Agents", "Age"]
    assert columns["RLTrainingJob"] == ["State", "Progress", "Step", "Return", "Age"]


class TestSettings:
    def test_from_the_environment(self) -> None:
        found = Settings.from_environment(
            {
                "DSPY_OPERATOR_AGENT_IMAGE": "agent:1",
                "DSPY_OPERATOR_NAMESPACES": "a, b,",
                "DSPY_OPERATOR_WORKERS": "4",
                "DSPY_OPERATOR_RESYNC_SECONDS": "1.5",
                "DSPY_OPERATOR_LEASE_NAME": "",
                "UNRELATED": "x",
            }
        )
        assert found == Settings(agent_image="agent:1", namespaces=("a", "b"), workers=4, resync_seconds=1.5)

    @pytest.mark.parametrize("text", ["many", "0", "-1", "nan"])
    def test_a_bad_number_is_named(self, text: str) -> None:
        with pytest.raises(InvalidSettings, match="DSPY_OPERATOR_WORKERS"):
            Settings.from_environment({"DSPY_OPERATOR_WORKERS": text})
