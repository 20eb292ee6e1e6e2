"""An edit from the task to a verified change: real tests run in a scratch copy, the model is a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.edits import EditOptions
from dspy_agent_core.errors import ModelError
from tests.edits.kit import FIXED, SHOP, make_shop, run_edit, snapshot
from tests.support.fake_model import Answer

TASK = "test_total fails"
WRONG = FIXED.replace("* discount", "- discount")
TOTAL = EditOptions(symbols=("total",), candidates=1)


def test_a_bug_is_located_fixed_and_verified_and_nothing_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w")
    before = snapshot(workspace)
    edited, prompts, told = run_edit(TASK, workspace, monkeypatch, FIXED)
    best = edited.best
    assert best is not None
    assert best.verified
    assert best.changes == {"shop.py": SHOP.replace("whole - discount", "whole - whole * discount").encode()}
    assert (edited.located[0].path, edited.located[0].symbol) == ("shop.py", "total")
    assert "run by 1 of 1 failing tests and 0 passing" in edited.located[0].why
    assert best.verification is not None
    assert best.verification.tests is not None
    assert [name.rpartition(".")[2] for name in best.verification.tests.fixed] == ["test_total"]
    assert len(edited.candidates) == len(prompts) == 1
    assert "total([10, 20], 0.1) == 27" in prompts[0]
    assert "share of the whole" in prompts[0]
    assert any("writing" in line for line in told)
    assert snapshot(workspace) == before


def test_wrong_answers_are_rejected_or_fail_and_one_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w")
    edited, prompts, _ = run_edit(TASK, workspace, monkeypatch, "I would rather not.", WRONG, FIXED)
    assert [one.verified for one in edited.candidates] == [False, False, True]
    assert edited.candidates[0].rejected
    assert "assert 0 == 27" in edited.candidates[1].failure
    assert edited.candidates[2].round == 1
    assert "Still wrong" in prompts[2]
    assert "assert 0 == 27" in prompts[2]


def test_a_suspicious_line_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w")
    old = "return max(whole - discount, 0)"
    lines = {old: "return max(whole - whole * discount, 0)"}
    edited, prompts, _ = run_edit(TASK, workspace, monkeypatch, "no", lines=lines)
    assert edited.best is not None
    assert edited.best.verified
    assert prompts == []
    assert [one.number for one in edited.candidates] == [1]
    before, after = (workspace / "shop.py").read_bytes(), edited.best.changes["shop.py"]
    assert after == before.replace(old.encode(), lines[old].encode())


def test_what_fixes_one_test_and_breaks_another_is_not_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w")
    tests = workspace / "test_shop.py"
    tests.write_text(tests.read_text() + "\n\ndef test_half():\n    assert total([10], 3) == 7\n")
    options = EditOptions(candidates=1)
    edited, _, _ = run_edit("test_total fails", workspace, monkeypatch, FIXED, options=options)
    assert edited.best is None
    assert not edited.candidates[0].verified
    assert "test_half" in edited.candidates[0].failure


def test_without_tests_a_change_is_said_to_be_unverified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    (workspace / "AGENTS.md").write_text("Prices are never rounded.\n")
    edited, prompts, _ = run_edit("the discount of total is wrong", workspace, monkeypatch, FIXED)
    assert "Prices are never rounded." in prompts[0]
    assert edited.best is not None
    assert not edited.best.verified
    assert edited.located[0].symbol == "total"


def test_an_answer_that_was_cut_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    edited, _, _ = run_edit("fix", workspace, monkeypatch, Answer(FIXED, done="length"), options=TOTAL)
    assert edited.best is None
    assert "cut" in (edited.candidates[0].rejected or "")


def test_the_same_answer_is_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    options = EditOptions(symbols=("total",), candidates=3)
    edited, _, told = run_edit("fix", workspace, monkeypatch, WRONG, options=options)
    assert "same" in (edited.candidates[-1].rejected or "")
    assert sum("checking" in line for line in told) == 1


def test_a_named_symbol_is_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    answer = "def add(self, name, price, count=1):\n    self.items[name] = (price, max(count, 1))\n"
    options = EditOptions(symbols=("Cart.add",), candidates=1)
    edited, _, _ = run_edit("never less than one", workspace, monkeypatch, answer, options=options)
    assert [place.symbol for place in edited.located] == ["Cart.add"]
    assert edited.candidates[0].changes == {
        "shop.py": SHOP.replace("(price, count)\n\n    def", "(price, max(count, 1))\n\n    def").encode()
    }


def test_secrets_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    text = SHOP.replace("whole = sum", 'api_key = "abcd1234efgh5678"\n    whole = sum')
    (workspace / "shop.py").write_text(text)
    answer = FIXED.replace("whole = sum", 'api_key = "SECRET_0_HIDDEN"\n    whole = sum')
    edited, prompts, _ = run_edit("fix, my password=hunter2!", workspace, monkeypatch, answer, options=TOTAL)
    assert "abcd1234" not in prompts[0]
    assert "hunter2" not in prompts[0]
    assert "SECRET_0_HIDDEN" in prompts[0]
    assert edited.best is not None
    assert b'"abcd1234efgh5678"' in edited.best.changes["shop.py"]


def test_what_a_file_orders_changes_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    answer = f"{FIXED}\n\nAs the comment says, ../../evil.py:\n```python\nimport os\nos.remove('x')\n```"
    edited, _, _ = run_edit("fix", workspace, monkeypatch, answer, options=TOTAL)
    assert edited.best is not None
    assert set(edited.best.changes) == {"shop.py"}
    assert b"remove" not in edited.best.changes["shop.py"]


def test_a_symbol_that_no_prompt_can_hold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    long = "".join(f"    prices = [p + {n} - {n} for p in prices]\n" for n in range(600))
    (workspace / "shop.py").write_text(SHOP.replace("    whole = sum", f"{long}    whole = sum"))
    edited, prompts, _ = run_edit("fix", workspace, monkeypatch, FIXED, options=TOTAL)
    assert edited.best is None
    assert any("too large" in note for note in edited.notes)
    assert prompts == []


def test_the_budget_of_time_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    options = EditOptions(symbols=("total",), seconds=0.0)
    edited, prompts, _ = run_edit("fix", workspace, monkeypatch, FIXED, options=options)
    assert edited.candidates == ()
    assert prompts == []
    assert any("time" in note for note in edited.notes)


def test_an_answer_that_takes_too_long_is_cut_and_what_was_found_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    slow = Answer(pieces=["word "] * 6000, pause=0.02)
    options = EditOptions(symbols=("total",), seconds=6.0)
    edited, prompts, _ = run_edit("fix", workspace, monkeypatch, FIXED, slow, options=options)
    assert edited.best is not None
    assert len(prompts) == 2
    assert "The time is up after 1 candidate." in edited.notes
    options = EditOptions(files=("new.py",), seconds=3.0)
    edited, _, _ = run_edit("write a new module", workspace, monkeypatch, slow, options=options)
    assert edited.candidates == ()
    assert "The time is up after 0 candidates." in edited.notes


def test_a_model_that_goes_away_leaves_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    gone = Answer("no such thing", status=400)
    options = EditOptions(symbols=("total",))
    edited, _, _ = run_edit("fix", workspace, monkeypatch, FIXED, gone, options=options)
    assert edited.best is not None
    assert any("No more candidates" in note for note in edited.notes)
    with pytest.raises(ModelError):
        run_edit("fix", workspace, monkeypatch, gone, options=options)


def test_what_is_guessed_comes_when_the_model_has_had_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w")
    (workspace / "shop.py").write_text("def total(prices, tax):\n    return sum(prices) + tax\n")
    (workspace / "test_shop.py").write_text(
        "from shop import total\n\n\ndef test_none():\n    assert total(None, 0) == 0\n\n\n"
        "def test_some():\n    assert total([1, 2], 3) == 6\n"
    )
    right = "```python\ndef total(prices, tax):\n    return sum(prices or []) + tax\n```"
    edited, _, _ = run_edit("test_none fails", workspace, monkeypatch, right, options=TOTAL)
    assert edited.best is not None
    assert edited.best.verified
    assert not edited.best.mechanical
    edited, prompts, _ = run_edit("test_none fails", workspace, monkeypatch, "no", options=TOTAL)
    assert prompts
    assert edited.best is not None
    assert edited.best.verified
    assert edited.best.guessed
    assert b"    if prices is None:\n        return " in edited.best.changes["shop.py"]


def test_what_breaks_a_test_elsewhere_is_not_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "w")
    (workspace / "test_far.py").write_text(
        "import importlib\n\n\ndef test_far():\n"
        "    assert getattr(importlib.import_module('sh' + 'op'), 'to' + 'tal')([20]) == 20\n"
    )
    wrong = FIXED.replace("* discount", "* (discount or 0.5)")
    edited, _, _ = run_edit(TASK, workspace, monkeypatch, wrong, FIXED, options=EditOptions(candidates=3))
    first, *_, last = [one for one in edited.candidates if not one.mechanical and not one.rejected]
    assert not first.verified
    assert "test_far" in first.failure
    assert last.verified
    assert last.verification is not None
    assert last.verification.tests is not None
    assert any("test_far" in name for name in last.verification.tests.after.outcomes)
