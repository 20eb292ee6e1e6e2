"""``index`` and ``esearch`` as programs: what they print, as text and as JSON, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.index.kit import dspy_agent, report


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "src" / "dates.py").write_text(
        'class Dates:\n    def parse_date(self, text):\n        """Read a date."""\n        return text\n'
    )
    (tmp_path / "src" / "use.py").write_text("from dates import parse_date\n\nprint(parse_date('2020'))\n")
    (tmp_path / "tests" / "test_dates.py").write_text("def test_parse_date():\n    assert parse_date('x')\n")
    (tmp_path / "web.js").write_text("function parseDate(text) {\n  return new Date(text);\n}\n")
    (tmp_path / "README.md").write_text("# Dates\n\nHow to parse a date.\n")
    return tmp_path


def test_a_search_works_at_once(project: Path) -> None:
    found = report("esearch", "parse a date", cwd=project)
    assert set(found) <= {"hits", "truncated"}
    first = found["hits"][0]
    assert (first["path"], first["line"], first["end_line"]) == ("src/dates.py", 2, 4)
    assert first["symbol"] == "Dates.parse_date"
    assert first["text"].startswith("    def parse_date")
    assert first["score"] > 0
    assert first["why"]
    assert [hit["score"] for hit in found["hits"]] == sorted(
        (h["score"] for h in found["hits"]), reverse=True
    )


def test_the_query_in_each_way(project: Path) -> None:
    expected = report("esearch", "parse", "date", cwd=project)
    assert report("esearch", "parse date", cwd=project) == expected
    assert report("esearch", "--q", "parse date", cwd=project) == expected
    assert report("esearch", "--query", "parse date", cwd=project) == expected
    assert report("--workspace", str(project), "esearch", "parse date", cwd=project.parent) == expected


def test_text_for_people(project: Path) -> None:
    done = dspy_agent("esearch", "Dates.parse_date", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("src/dates.py:2 Dates.parse_date\n")
    assert "\x1b" not in done.stdout


def test_filters_and_limits(project: Path) -> None:
    def paths(*words: str) -> set[str]:
        return {hit["path"] for hit in report("esearch", "parse date", *words, cwd=project)["hits"]}

    assert paths("-t", "javascript") == {"web.js"}
    assert paths("-g", "src/**") == {"src/dates.py", "src/use.py"}
    assert "tests/test_dates.py" not in paths("-g", "!tests/**")
    limited = report("esearch", "parse date", "--max-hits", "1", cwd=project)
    assert (len(limited["hits"]), limited["truncated"]) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["esearch"], "NoQuery", 2),
        (["esearch", "  "], "NoQuery", 2),
        (["esearch", "x", "-g", "["], "BadGlob", 2),
        (["esearch", "x", "-t", "klingon"], "UnknownLanguage", 2),
        (["esearch", "x", "--max-hits", "0"], "BadUsage", 2),
        (["index", "--nope"], "BadUsage", 2),
        (["index", "--workspace", "nope"], "WorkspaceNotFound", 3),
        (["esearch", "x", "--workspace", "README.md"], "NotAFolder", 3),
    ],
)
def test_errors(project: Path, words: list[str], code: str, exit_code: int) -> None:
    done = dspy_agent(*words, "--json", cwd=project)
    assert done.returncode == exit_code
    error = json.loads(done.stdout)["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["next"]


def test_nothing_found_is_1_and_said(project: Path) -> None:
    done = dspy_agent("esearch", "xylophone", cwd=project)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Nothing in the index" in done.stderr
    done = dspy_agent("esearch", "xylophone", "--json", cwd=project)
    assert done.returncode == 1
    assert json.loads(done.stdout).get("hits", []) == []


def test_index_tells_what_it_holds_and_did(project: Path) -> None:
    status = dspy_agent("index", "--status", "--json", cwd=project)
    assert status.returncode == 1
    assert not (project / ".dspy_index").exists()
    built = report("index", cwd=project)
    assert (built["files"], built["read"], built["folder"]) == (5, 5, ".dspy_index")
    assert built["languages"] == {"python": 3, "javascript": 1, "markdown": 1}
    assert built["symbols"] >= 4
    assert built["bytes"] > 0
    (project / "web.js").unlink()
    (project / "src" / "use.py").write_text("import dates\n")
    (project / "image.png").write_bytes(b"\x89PNG\0")
    again = report("index", cwd=project)
    assert (again["files"], again["read"], again["removed"], again["not_text"]) == (4, 1, 1, 1)
    held = report("index", "--status", cwd=project)
    assert held["files"] == 4
    assert report("index", "--rebuild", cwd=project)["read"] == 4
    done = dspy_agent("index", cwd=project)
    assert done.returncode == 0
    assert "4 files" in done.stdout


def test_each_search_sees_the_last_edit(project: Path) -> None:
    assert report("esearch", "parse date", cwd=project)["hits"]
    (project / "new.py").write_text("def wobble_frobnicate(): pass\n")
    assert report("esearch", "wobble frobnicate", cwd=project)["hits"][0]["path"] == "new.py"
    (project / "new.py").write_text("def other(): pass\n")
    assert dspy_agent("esearch", "wobble", cwd=project).returncode == 1
