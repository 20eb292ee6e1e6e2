"""New files, and new definitions in files that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.edits import EditOptions
from dspy_agent_core.errors import WorkspaceError
from tests.edits.kit import FIXED, PYTEST, SHOP, make_shop, run_edit, snapshot

SLUG = 'import re\n\n\ndef slug(text):\n    return re.sub(r"\\W+", "-", text.lower())\n'


def test_a_new_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path, tests=False)
    before = snapshot(workspace)
    task = "add a module slugs.py with a function slug(text)"
    edited, prompts, _ = run_edit(task, workspace, monkeypatch, f"Here:\n```python\n{SLUG}```\nDone.")
    assert edited.best is not None
    assert edited.best.changes == {"slugs.py": SLUG.encode()}
    assert "# The new file\nslugs.py" in prompts[0]
    assert snapshot(workspace) == before


def test_a_new_file_that_can_not_be_parsed_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path, tests=False)
    options = EditOptions(files=("pkg/slugs.py",))
    broken = "```python\ndef slug(text:\n```"
    edited, prompts, _ = run_edit(
        "slugs", workspace, monkeypatch, broken, f"```python\n{SLUG}```", options=options
    )
    assert [one.rejected for one in edited.candidates] == ["it can't be parsed", None]
    assert "it can't be parsed" in prompts[1]
    assert edited.best is not None
    assert edited.best.changes == {"pkg/slugs.py": SLUG.encode()}


def test_a_test_verifies_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path, tests=False)
    (workspace / "test_slugs.py").write_text(
        "def test_slug():\n    from slugs import slug\n\n    assert slug('A b') == 'a-b'\n"
    )
    (workspace / "pytest.ini").write_text(PYTEST)
    options = EditOptions(files=("slugs.py",), tests=("test_slugs.py::test_slug",))
    edited, _, _ = run_edit("slugs", workspace, monkeypatch, f"```python\n{SLUG}```", options=options)
    assert edited.best is not None
    assert edited.best.verified


@pytest.mark.parametrize("slip", ["shopp.py", "shp.py", "sohp.py"])
def test_a_slip_in_the_name_of_a_file_makes_no_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slip: str
) -> None:
    workspace = make_shop(tmp_path, tests=False)
    options = EditOptions(files=(slip,))
    with pytest.raises(WorkspaceError) as failed:
        run_edit("mend the discount", workspace, monkeypatch, FIXED, options=options)
    assert "--file shop.py" in failed.value.next
    edited, _, _ = run_edit(f"create {slip}", workspace, monkeypatch, FIXED, options=options)
    assert edited.best is not None
    assert list(edited.best.changes) == [slip]


@pytest.mark.parametrize("path", ["../evil.py", "/tmp/evil.py", ".git/hooks/x.py", ".dspy_checkpoints/x.py"])
def test_no_new_file_outside_or_where_no_edit_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    with pytest.raises(WorkspaceError):
        run_edit("x", workspace, monkeypatch, "```\nx=1\n```", options=EditOptions(files=(path,)))


def test_a_function_that_the_task_names_is_added_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path, tests=False)
    answer = "```python\nimport math\n\ndef vat(prices):\n    return math.ceil(total(prices) * 0.2)\n```"
    task = "add a function vat(prices) beside total in shop.py"
    edited, _, _ = run_edit(task, workspace, monkeypatch, answer)
    assert edited.best is not None
    added = SHOP.replace('"""Prices."""\n', '"""Prices."""\nimport math\n')
    added += "\n\ndef vat(prices):\n    return math.ceil(total(prices) * 0.2)\n"
    assert edited.best.changes == {"shop.py": added.encode()}
