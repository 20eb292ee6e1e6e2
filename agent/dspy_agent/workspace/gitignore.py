"""One ignore file: its rules in order, the last one that matches decides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from dspy_agent.workspace.globs import BadGlob, glob_to_regex

IGNORE = True
KEEP = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file: ``pattern`` matches paths relative to the file's folder (as Latin-1)."""

    pattern: re.Pattern[str]
    keeps: bool
    folders_only: bool


@dataclass(slots=True)
class Rules:
    """The rules of one ignore file, or of a list of globs."""

    rules: list[Rule] = field(default_factory=list)
    _any: re.Pattern[str] | None = None

    def decide(self, path: str, is_dir: bool) -> bool | None:
        """Return IGNORE, KEEP, or None for ``path`` (relative to the rules' folder, as Latin-1)."""
        if not self.rules:
            return None
        if self._any is None:
            self._any = re.compile("|".join(f"(?:{r.pattern.pattern})" for r in self.rules), re.DOTALL)
        if not self._any.fullmatch(path):
            return None
        for rule in reversed(self.rules):
            if (is_dir or not rule.folders_only) and rule.pattern.fullmatch(path):
                return KEEP if rule.keeps else IGNORE
        return None


def parse_rules(lines: Iterable[str], *, strict: bool = False) -> Rules:
    """Return the rules of an ignore file's lines; lines that can't be read are passed over.

    Raises:
        BadGlob: only if ``strict``.
    """
    rules = []
    for line in lines:
        try:
            rule = _parse_line(line, strict)
        except BadGlob:
            if strict:
                raise
            continue
        if rule is not None:
            rules.append(rule)
    return Rules(rules)


def read_rules(data: bytes) -> Rules:
    """Return the rules of an ignore file's bytes; reading ends at a line that is not UTF-8, as in ripgrep."""
    lines = []
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n")):
        try:
            lines.append(raw.decode("utf-8"))
        except UnicodeDecodeError:
            break
        if number > 100_000:
            break
    return parse_rules(lines)


def _parse_line(line: str, strict: bool) -> Rule | None:
    if line.startswith("#"):
        return None
    if not line.endswith("\\ "):
        line = line.rstrip()
    if not line:
        return None
    keeps = anchored = folders_only = False
    if line.startswith(("\\!", "\\#")):
        line = line[1:]
        anchored = line.startswith("/")
    else:
        if line.startswith("!"):
            keeps, line = True, line[1:]
        if line.startswith("/"):
            anchored, line = True, line[1:]
    if line.endswith("/"):
        folders_only, line = True, line[:-1]
        line = line.removesuffix("\\")
    if not anchored and "/" not in line and not (line.startswith("**/") or line == "**"):
        line = f"**/{line}"
    if line.endswith("/**"):
        line = f"{line}/*"
    return Rule(re.compile(glob_to_regex(line, strict=strict), re.DOTALL), keeps, folders_only)
