"""Which commands there are here: programs on PATH, our own verbs, and what the project's files define."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from dspy_agent.planning.places import Places
from dspy_agent.planning.shell import FETCHERS, RUNNERS, Simple, simple_commands
from dspy_agent.tools.registry import BY_NAME
from dspy_agent.workspace.files import read_head, read_toml
from dspy_agent_core.code.links import is_test
from dspy_agent_core.errors import AgentError

_BUILTINS: Final = frozenset(
    {"cd", "echo", "export", "set", "test", "true", "source", ".", "[", "unset", "wait"}
)
_VENVS: Final = (".venv/bin", "venv/bin", "node_modules/.bin")
_PATH: Final = re.compile(
    r"(?:\.{0,2}/)?[\w@+-][\w@.+-]*(?:/[\w@.+-]+)+/?|[\w@+-][\w.@+-]*\.(?:py|pyi|js|ts|tsx|go|rs|java|kt|rb|php|c|h|cc|cpp|cs|sh|toml|cfg|ini|ya?ml|json|md|txt)"
)
_PYTEST_OPTIONS: Final = """
    -k -m -p -n -c -o -W -r --maxfail --durations --cov --cov-report --timeout --ignore --deselect --rootdir
"""
_VALUED: Final = frozenset(_PYTEST_OPTIONS.split())
_PLACEHOLDER: Final = re.compile(r"path/to|<[\w -]+>|your[_-]\w+|\.\.\.|…")


class Commands:
    """The commands of ``workspace``."""

    def __init__(self, workspace: Path, places: Places) -> None:
        self._workspace = workspace
        self._places = places

    def mended(self, command: str) -> tuple[str, str]:
        """Return ``command`` with the paths that it must mean, and what is wrong with it ("" if nothing)."""
        command = command.strip().strip("`").removeprefix("$ ").strip()
        if _PLACEHOLDER.search(command):
            return command, "it has a placeholder in it"
        for word in dict.fromkeys(_words(command)):
            path, colons, test = word.partition("::")
            if not _PATH.fullmatch(path) or path.startswith("/") or self._places.exists(path):
                continue
            known = self._places.known(path)
            if known is None:
                return command, f"there is no {path} here"
            whole = rf"(?<![\w./-]){re.escape(word)}(?![\w/])"
            command = re.sub(whole, f"{known}{colons}{test}".replace("\\", r"\\"), command)
        simples = simple_commands(command)
        if not simples:
            return command, "it can't be read as a command"
        wrong = next((why for simple in simples if (why := self._unknown(simple))), "")
        return command, wrong

    def _unknown(self, simple: Simple) -> str:
        """Return what is not known of a simple command; "" if all is."""
        runners = [word for word in simple.fronts if word in RUNNERS | FETCHERS]
        for runner in runners:
            if not self._is_program(runner):
                return f"there is no command {runner!r} here"
        if not simple.words or not FETCHERS.isdisjoint(runners):
            return ""
        program, rest = simple.words[0], simple.words[1:]
        if "uv" in runners and program.endswith(".py") and self._places.exists(program):
            return ""
        if program == "dspy-agent":
            verb = next((word for word in rest if not word.startswith("-")), "")
            return "" if verb in BY_NAME else f"dspy-agent has no verb {verb!r}"
        if not self._is_program(program):
            return f"there is no command {program!r} here"
        if "pytest" in (program, *rest[:2]):
            missing = [word for word in _tested(simple.words) if not self._places.exists(word)]
            if missing:
                return f"there is no {missing[0]} here"
        defined = _DEFINED.get(program)
        target = next((word for word in rest if not word.startswith("-") and "=" not in word), None)
        if program in ("npm", "pnpm", "yarn"):
            target = rest[1] if rest[:1] == ("run",) and len(rest) > 1 else None
        if defined is None or target is None or "-C" in rest or "-f" in rest:
            return ""
        names = defined(self._workspace)
        return "" if target in names else f"{program} has no target {target!r} here"

    def _is_program(self, name: str) -> bool:
        if "/" in name:
            return self._places.exists(name) or shutil.which(name) is not None
        own = any((self._workspace / folder / name).exists() for folder in _VENVS)
        return (
            own
            or name in _BUILTINS
            or name in BY_NAME
            or name in self._scripts
            or shutil.which(name) is not None
        )

    @cached_property
    def _scripts(self) -> frozenset[str]:
        return frozenset(read_toml(self._workspace / "pyproject.toml").get("project", {}).get("scripts", {}))

    def offered(self) -> list[str]:
        """Return the project's own commands, the likely checks first: what a plan may use."""
        found = [f"make {name}" for name in sorted(_make_targets(self._workspace)) if _CHECKS.fullmatch(name)]
        found += [
            f"npm run {name}" for name in sorted(_npm_scripts(self._workspace)) if _CHECKS.fullmatch(name)
        ]
        return list(dict.fromkeys([*self._tests(), *found]))[:6]

    def run_tests(self, command: str) -> bool:
        """Return whether ``command`` may run tests: not if it points a test runner at other code only."""
        words = _words(command)
        if not {"pytest", "py.test", "unittest"} & set(words[:5]):
            return bool(words)
        paths = [path for word in words if _PATH.fullmatch(path := word.partition("::")[0])]
        return not paths or any(is_test(path) or not path.endswith(".py") for path in paths)

    def test_of(self, path: str) -> str:
        """Return the command that runs the tests of ``path``, or all; "" if none is known."""
        command = next(iter(self._tests()), "")
        return f"{command} {shlex.quote(path)}" if path and "pytest" in command else command

    def _tests(self) -> list[str]:
        """Return the command that runs the tests, as one would type it here."""
        from dspy_agent.verify.command import find_test_command

        try:
            command = find_test_command(self._workspace)
        except (AgentError, OSError):
            return []
        if command is None:
            return []
        program, *rest = command.argv
        if Path(program).is_relative_to(self._workspace):
            program = str(Path(program).relative_to(self._workspace))
        elif Path(program).name.startswith("python"):
            program = "python"
        rest = rest[: rest.index("-p")] if command.kind == "pytest" and "-p" in rest else rest
        return [shlex.join([program, *rest])]


_CHECKS: Final = re.compile(r"(?:test|check|lint|build|typecheck|format|fmt|unit)[\w-]*")


def _words(command: str) -> list[str]:
    return re.findall(r"[^\s\"'|;&<>()=]+", command)


def _tested(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the files and folders whose tests a command for pytest names."""
    rest = iter(words[words.index("pytest") + 1 :])
    for word in rest:
        if word in _VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            yield word.partition("::")[0]


def _make_targets(workspace: Path) -> frozenset[str]:
    for name in ("GNUmakefile", "makefile", "Makefile"):
        text = read_head(workspace / name, 256 << 10).decode("utf-8", "replace")
        if text:
            rules = re.findall(r"(?m)^([A-Za-z][\w./ \t-]*?)[ \t]*:(?!=)", text)
            return frozenset(name for names in rules for name in names.split())
    return frozenset()


def _just_targets(workspace: Path) -> frozenset[str]:
    text = read_head(workspace / "justfile", 256 << 10).decode("utf-8", "replace")
    return frozenset(re.findall(r"(?m)^@?([A-Za-z][\w-]*)[^\n:=]*:(?!=)", text))


def _npm_scripts(workspace: Path) -> frozenset[str]:
    try:
        data: Any = json.loads(read_head(workspace / "package.json", 1 << 20) or b"{}")
        return frozenset(map(str, data.get("scripts", {})))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return frozenset()


_DEFINED: Final[dict[str, Callable[[Path], frozenset[str]]]] = {
    "make": _make_targets,
    "just": _just_targets,
    "npm": _npm_scripts,
    "pnpm": _npm_scripts,
    "yarn": _npm_scripts,
}
