"""A file's bytes come back as they were, whatever they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.edits.layout import at_margin, indented, string_lines
from dspy_agent.edits.source import decode, read_source
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.errors import WorkspaceError

BOMS = (b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"# coding: latin-1\n", b"# coding: nonsense\n")


@given(st.sampled_from(BOMS), st.binary(max_size=200), st.sampled_from(["a.py", "a.js"]))
def test_bytes_come_back(bom: bytes, data: bytes, path: str) -> None:
    try:
        source = decode(path, bom + data)
    except WorkspaceError:
        return
    assert source.to_bytes(source.text) == bom + data
    assert "".join(source.lines) == source.text


@given(st.lists(st.sampled_from(["a", "  b", "\tc", "    d", "", "  ", 'x = """', '"""']), max_size=8))
def test_what_is_moved_to_the_margin_can_be_moved_back(lines: list[str]) -> None:
    fixed = string_lines("\n".join(lines))
    moved, margin = at_margin(lines, fixed)
    back = indented(moved, margin, fixed)
    assert [line if line.strip() else "" for line in back] == [line if line.strip() else "" for line in lines]


def test_what_is_no_source(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    (tmp_path / "a.py").write_bytes(b"a\0b")
    (tmp_path / "b.py").write_bytes(b"#" * (3 << 20))
    os.mkfifo(tmp_path / "c.py")
    (tmp_path / "d.py").symlink_to("/etc/passwd")
    for name in ("a.py", "b.py", "c.py", "d.py", "e.py", "../f.py"):
        with pytest.raises(WorkspaceError):
            read_source(workspace, name)
