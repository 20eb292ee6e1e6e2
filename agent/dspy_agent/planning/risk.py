"""How risky a command is, by plain rules: a model's own word may raise it, never lower it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from dspy_agent.planning.shell import Simple, simple_commands
from dspy_agent.planning.step import RISKS, Risk

_Rule = Callable[[tuple[str, ...]], bool]
_INTERPRETERS: Final = frozenset(
    {"sh", "bash", "zsh", "dash", "ksh", "python", "python3", "perl", "ruby", "node"}
)


def _always(words: tuple[str, ...]) -> bool:
    return True


def _has(*wanted: str) -> _Rule:
    """Any of these words is there; ``-rf`` is there as ``-r`` too."""

    def holds(words: tuple[str, ...]) -> bool:
        flags = {f"-{letter}" for word in words if re.fullmatch(r"-[A-Za-z]+", word) for letter in word[1:]}
        bare = {word.partition("=")[0] for word in words[1:]}
        return not flags.isdisjoint(wanted) or not bare.isdisjoint(wanted)

    return holds


def _git(words: tuple[str, ...]) -> bool:
    verb = _verb(words)
    forced = _has("-f", "--force", "--hard", "-D", "--force-with-lease", "--delete", "--mirror")(words)
    plus = any(word.startswith("+") for word in words[1:])
    if verb in ("push", "filter-branch", "filter-repo", "clean"):
        return verb != "clean" or forced
    return (forced or plus) and verb in (
        "reset",
        "checkout",
        "branch",
        "tag",
        "switch",
        "worktree",
        "restore",
    )


def _verb(words: tuple[str, ...]) -> str:
    """Return the subcommand: the first word that is neither an option nor the value of one."""
    rest = iter(words[1:])
    for word in rest:
        if word in _TAKES_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return ""


_TAKES_VALUE: Final = frozenset({"-C", "-c", "-n", "--namespace", "--context", "--kubeconfig", "--directory"})
_NEVER_LIGHTLY: Final = """
    dd mkfs fdisk shred truncate shutdown reboot halt poweroff kill killall pkill crontab iptables mount
    umount su sudo doas passwd useradd userdel eval dropdb ssh scp rsync nc ncat systemctl service aws gcloud
    az
"""
_HIGH: Final[Mapping[str, _Rule]] = {
    "rm": _has("-r", "-R", "-f", "--recursive", "--force"),
    "git": _git,
    "kubectl": _has("delete", "drain", "replace", "exec", "scale", "cordon", "taint", "rollout", "patch"),
    "helm": _has("uninstall", "delete", "rollback"),
    "docker": _has("prune", "rm", "rmi", "push", "kill", "down"),
    "podman": _has("prune", "rm", "rmi", "push", "kill"),
    "terraform": _has("apply", "destroy", "import", "taint"),
    "chmod": _has("-R", "--recursive", "777"),
    "chown": _has("-R", "--recursive"),
    "find": _has("-delete", "-exec", "-execdir", "-ok"),
    "npm": _has("publish", "unpublish", "deprecate"),
    "cargo": _has("publish", "yank"),
    "twine": _has("upload"),
    "uv": _has("publish"),
    "poetry": _has("publish"),
    "gh": _has("delete", "release", "merge"),
    **dict.fromkeys(_NEVER_LIGHTLY.split(), _always),
}
_READS_TEXT: Final = """
    ls cat head tail less more wc grep rg ag find fd tree stat file du df pwd echo printf diff cmp sort uniq
    cut awk which whereis env date whoami uname id ps jq yq true test pytest tox nox ruff mypy pyright flake8
    pylint eslint tsc jest vitest ctest
"""
_READS: Final = frozenset(_READS_TEXT.split())
_LOW_VERBS: Final[Mapping[str, frozenset[str]]] = {
    "git": frozenset({"status", "diff", "log", "show", "blame", "grep", "ls-files", "describe", "rev-parse"}),
    "kubectl": frozenset({"get", "describe", "logs", "top", "explain", "version", "wait", "diff"}),
    "helm": frozenset({"list", "status", "lint", "template", "get", "history", "show"}),
    "go": frozenset({"test", "vet", "list", "env", "version"}),
    "cargo": frozenset({"test", "check", "clippy"}),
    "npm": frozenset({"test", "ls", "outdated"}),
    "make": frozenset({"test", "check", "lint", "help"}),
    "docker": frozenset({"ps", "logs", "images", "inspect"}),
    "dspy-agent": frozenset(
        {
            "ctx",
            "codectx",
            "grep",
            "tree",
            "ls",
            "extract",
            "esearch",
            "vretr",
            "intel",
            "diff",
            "doctor",
            "plan",
            "checkpoints",
        }
    ),
}


def risk_of(command: str) -> Risk:
    """Return how risky ``command`` is. What can't be read is high."""
    simples = simple_commands(command)
    if simples is None:
        return "high"
    risks = [_risk(simple) for simple in simples]
    if re.search(r"(?i)\b(?:drop|truncate|delete)\s+(?:table|database|schema|from)\b|:\(\)\s*\{", command):
        return "high"
    return highest(*risks) if risks else "low"


def highest(*risks: Risk) -> Risk:
    """Return the highest of ``risks``."""
    return max(risks, key=RISKS.index)


def _risk(simple: Simple) -> Risk:
    if not {"sudo", "doas"}.isdisjoint(word.rpartition("/")[2] for word in simple.fronts):
        return "high"
    if simple.join.startswith("|") and simple.program in _INTERPRETERS:  # what comes down a pipe is run
        return "high"
    if any(target.startswith(("/", "~", "..")) for target in simple.writes):
        return "high"
    words = simple.words
    if not words:
        return "medium" if simple.writes else "low"
    program = words[0].rpartition("/")[2]
    rule = _HIGH.get(program)
    if rule is not None and rule(words):
        return "high"
    if program.startswith("mkfs"):
        return "high"
    return "low" if _only_reads(program, words) and not simple.writes else "medium"


def _only_reads(program: str, words: tuple[str, ...]) -> bool:
    if program in ("python", "python3") and words[1:3] in (
        ("-m", "pytest"),
        ("-m", "unittest"),
        ("-m", "mypy"),
    ):
        return True
    if program in ("ruff", "eslint") and _has("--fix", "format")(words):
        return False
    verb = _verb(words)
    return program in _READS or verb in _LOW_VERBS.get(program, ())
