"""Which files are ignored: .rgignore, .ignore, .gitignore, .git/info/exclude and git's global file.

The rules are ripgrep's: a nearer file beats a farther one, .rgignore beats .ignore beats git's files,
git's files count only in a git repository and end at its root, hidden files are left out unless a rule
keeps them, and parents of the starting folder count too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from dspy_agent.workspace.files import read_head
from dspy_agent.workspace.gitignore import KEEP, Rules, read_rules

_KINDS = ("rgignore", "ignore", "gitignore", "exclude")
_NO_RULES = Rules()
_EXCLUDES_FILE = re.compile(
    rb'^[^\S\n]*excludesfile\s*=\s*"?\s*(\S+?)\s*"?\s*$', re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search asks for beyond the ignore files: ``globs`` as ``-g``, ``types`` as file name globs."""

    globs: Rules = field(default_factory=Rules)
    types: Rules = field(default_factory=Rules)
    hidden: bool = False
    no_ignore: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """The ignore files of one folder, and the folder above it. ``path`` is absolute."""

    path: str
    parent: Folder | None
    rules: dict[str, Rules]
    is_repository: bool

    @classmethod
    def load(cls, path: str, parent: Folder | None) -> Folder:
        """Read the ignore files of ``path``."""
        try:
            names = set(os.listdir(path))
        except OSError:
            names = set()
        return cls.of(path, parent, names)

    @classmethod
    def of(cls, path: str, parent: Folder | None, names: set[str]) -> Folder:
        """Read the ignore files of ``path``, whose entries are ``names``."""
        rules = {}
        for kind in ("rgignore", "ignore", "gitignore"):
            if f".{kind}" in names:
                rules[kind] = _read(os.path.join(path, f".{kind}"))
        is_repository = ".git" in names or ".jj" in names
        if ".git" in names:
            rules["exclude"] = _read(os.path.join(_git_dir(path), "info", "exclude"))
        return cls(path, parent, rules, is_repository)

    def decide(self, path: str, is_dir: bool, global_rules: Rules) -> bool | None:
        """Return IGNORE, KEEP or None for the absolute ``path``, an entry of this folder or below it."""
        in_git = self._in_repository()
        found: dict[str, bool] = {}
        saw_repository = False
        folder: Folder | None = self
        while folder is not None:
            for kind, rules in folder.rules.items():
                git_kind = kind in ("gitignore", "exclude")
                if kind in found or (git_kind and (saw_repository or not in_git)):
                    continue
                decision = rules.decide(_latin(_below(path, folder.path)), is_dir)
                if decision is not None:
                    found[kind] = decision
            saw_repository = saw_repository or folder.is_repository
            folder = folder.parent
        for kind in _KINDS:
            if kind in found:
                return found[kind]
        return global_rules.decide(_latin(path.lstrip("/")), is_dir) if in_git else None

    def _in_repository(self) -> bool:
        folder: Folder | None = self
        while folder is not None:
            if folder.is_repository:
                return True
            folder = folder.parent
        return False


class Ignores:
    """Decides which entries of folders are left out, for one walk."""

    def __init__(self, base: str, filters: Filters) -> None:
        """``base`` is the absolute folder that ``-g`` globs and git's global rules are relative to."""
        self.base = base
        self.filters = filters
        self.global_rules = _NO_RULES if filters.no_ignore else load_global_rules()

    def enter(self, path: str) -> Folder | None:
        """Return the rules that hold in the absolute folder ``path``, its parents' included."""
        if self.filters.no_ignore:
            return Folder(path, None, {}, False)
        parents = [os.fspath(p) for p in reversed(Path(path).parents)]
        folder: Folder | None = None
        for parent in parents:
            folder = Folder.load(parent, folder)
        return folder

    def leaves_out(self, folder: Folder | None, path: str, name: str, is_dir: bool) -> bool:
        """Say whether the entry ``name`` of ``folder`` at the absolute ``path`` is left out."""
        globs = self.filters.globs
        if globs.rules:
            decision = globs.decide(_latin(_below(path, self.base)), is_dir)
            if decision is not None:
                return decision is KEEP  # a glob with "!" leaves out, one without keeps
            if not is_dir and any(not rule.keeps for rule in globs.rules):
                return True
        kept = False
        if folder is not None:
            decision = folder.decide(path, is_dir, self.global_rules)
            if decision is not None and decision is not KEEP:
                return True
            kept = decision is KEEP
        if self.filters.types.rules and not is_dir:
            if self.filters.types.decide(_latin(name), is_dir) is None:
                return True
            kept = True
        return not kept and not self.filters.hidden and name.startswith(".")


def load_global_rules() -> Rules:
    """Return the rules of git's ``core.excludesFile``, or of its default place."""
    home = os.path.expanduser("~")
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    for place in (os.path.join(home, ".gitconfig"), os.path.join(config, "git", "config")):
        named = _EXCLUDES_FILE.search(read_head(place))
        if named:
            return _read(os.fsdecode(named[1]).replace("~", home, 1))
    return _read(os.path.join(config, "git", "ignore"))


def _git_dir(path: str) -> str:
    git = os.path.join(path, ".git")
    data = read_head(git)  # a worktree's .git is a file: "gitdir: PATH"
    if not data.startswith(b"gitdir: "):
        return git
    own = os.path.join(path, os.fsdecode(data[8:].strip()))
    common = read_head(os.path.join(own, "commondir")).strip()
    return os.path.join(own, os.fsdecode(common)) if common else own


def _read(path: str) -> Rules:
    data = read_head(path)
    return read_rules(data) if data else _NO_RULES


def _below(path: str, folder: str) -> str:
    if folder == "/":
        return path[1:]
    return path[len(folder) + 1 :] if path.startswith(folder + "/") else path.lstrip("/")


def _latin(path: str) -> str:
    return path if path.isascii() else os.fsencode(path).decode("latin-1")
