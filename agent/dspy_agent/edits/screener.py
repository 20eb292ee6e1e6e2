"""A pytest plugin that tries changed functions in forks of one process, on tests that fail and that pass.

It is copied beside the project's tests and run by the project's own interpreter: standard library and pytest
only, and a syntax that old versions know. The changes are in the file DSPY_AGENT_SCREEN_IN; the number of the
first with which all tests pass, and that of its variant, go to DSPY_AGENT_SCREEN_OUT. A fork that takes the
new code of a function is as good as a new process whose file was changed, and much quicker; what runs when a
module is imported can't be tried so.
"""

from __future__ import annotations
import __future__

import ast
import bisect
import contextlib
import functools
import gc
import json
import os
import signal
import time
import types
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = os.path.realpath(os.environ["DSPY_AGENT_TRACE_ROOT"]) + os.sep
IN = os.environ["DSPY_AGENT_SCREEN_IN"]
OUT = os.environ["DSPY_AGENT_SCREEN_OUT"]
DEADLINE = time.monotonic() + float(os.environ["DSPY_AGENT_TRACE_SECONDS"])
LONGEST = 15.0  # seconds of all the tests
LOOKING = 0.3  # of the time, for which tests fail
KEPT = 2.0  # seconds of the tests that have to go on passing
PASSED, FAILED, NEITHER = 71, 72, 73  # a test may end its process with any of the usual ones
FEATURES = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})

failed = False


def pytest_cmdline_main(config: Any) -> None:
    """Keep to one process."""
    option = config.option
    if hasattr(option, "numprocesses"):
        option.numprocesses, option.dist, option.tx = 0, "no", []


def pytest_runtest_logreport(report: Any) -> None:
    """Take note of a failure."""
    global failed
    failed = failed or bool(report.failed)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: Any) -> bool:
    """Try one change after the other instead of running the tests once."""
    os.chdir(ROOT)
    changes = json.loads(Path(IN).read_text(encoding="utf-8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forks
        failing, passing = _tried(session.items)
        found = _first_that_passes(changes, failing, passing) if failing else None
    if found is not None:
        Path(OUT).write_text(json.dumps(found), encoding="utf-8")
    return True


def _tried(items: list[Any]) -> Any:
    """Return [seconds, test] of those that fail and of those that pass, the quickest first.

    That takes a part of the time; of those that pass, some are left out.
    """
    until = time.monotonic() + LOOKING * (DEADLINE - time.monotonic())
    found = {PASSED: [], FAILED: [], NEITHER: []}  # type: dict[int, list[Any]]
    for item in items:
        started = time.monotonic()
        if started > until:
            break
        outcome = _fork(lambda item=item: _run([item]), LONGEST)
        found.setdefault(outcome, []).append([time.monotonic() - started, item])
    failing, passing = (sorted(found[one], key=lambda pair: pair[0]) for one in (FAILED, PASSED))
    while sum(seconds for seconds, _ in passing) > KEPT:
        passing.pop()
    return failing, passing


def _first_that_passes(changes: list[Any], failing: list[Any], passing: list[Any]) -> Any:
    """Return the number of the first change with which all tests pass, and of its variant; or None."""
    quick, once = [failing[0][1]], _allowed(failing[:1])
    steps = [(part, _allowed(part)) for part in (failing[1:], passing) if part]
    rest = [([test for _, test in part], seconds) for part, seconds in steps]
    functions = _functions()
    for number, change in enumerate(changes):
        if time.monotonic() > DEADLINE:
            break
        known = functions.get(ROOT + change["path"], [])
        new = _new_code(change, change["new"], known)
        if not any(new) or not _passes(quick, new, once):
            continue
        for variant, text in enumerate(change["instead"] or [change["new"]]):
            if time.monotonic() > DEADLINE:
                break
            if change["instead"]:
                new = _new_code(change, text, known)
                if not any(new) or not _passes(quick, new, once):
                    continue
            if all(_passes(tests, new, seconds) for tests, seconds in rest):
                return number, variant
    return None


def _allowed(tests: list[Any]) -> float:
    """Return the seconds that a change may take for ``tests``."""
    return float(min(2 * LONGEST, 1.0 + 4 * sum(seconds for seconds, _ in tests)))


def _new_code(change: Any, new: str, functions: list[Any]) -> Any:
    """Return the functions of the changed file that have other code now, or other defaults, with those."""
    path = ROOT + change["path"]
    text, start = _source(path), change["start"]
    first, last, line = _part(path, start)
    text = "\n" * (line - 1) + text[first:start] + new + text[start + len(change["old"]) : last]
    try:
        code = compile(text, path, "exec", flags=_flags(functions), dont_inherit=True)
    except (SyntaxError, ValueError):
        return [], []
    replaced = [
        (function, new)
        for function, new in _pairs(functions, code)
        if function.__code__ != new and function.__code__.co_freevars == new.co_freevars
    ]
    return replaced, [] if replaced else _defaults(functions, text)


@functools.cache
def _source(path: str) -> str:
    return Path(path).read_bytes().decode("utf-8-sig", "replace")


def _part(path: str, at: int) -> Any:
    """Return where the top-level statement around ``at`` begins and ends, and its first line.

    To compile that one alone is much quicker than the file, and gives functions the same code.
    """
    parts = _parts(path)
    number = max(0, bisect.bisect_right([first for first, _ in parts], at) - 1)
    first, line = parts[number]
    last = parts[number + 1][0] if number + 1 < len(parts) else len(_source(path))
    return first, last, line


@functools.cache
def _parts(path: str) -> Any:
    """Return where each top-level statement begins: its first character, and its line."""
    text = _source(path)
    if "\f" in text or "\r" in text.replace("\r\n", ""):
        return [(0, 1)]
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = {1}
    for node in ast.parse(text).body:
        found.add(min([node.lineno] + [one.lineno for one in getattr(node, "decorator_list", [])]))
    return [(starts[line - 1], line) for line in sorted(found)]


def _flags(functions: list[Any]) -> int:
    """Return which features of the future the file of ``functions`` has chosen."""
    return functions[0].__code__.co_flags & FEATURES if functions else 0


def _passes(items: list[Any], new: Any, seconds: float) -> bool:
    replaced, defaults = new

    def child() -> bool:
        for function, code in replaced:
            function.__code__ = code
        for function, values, named in defaults:
            function.__defaults__, function.__kwdefaults__ = values, named
        return _run(items)

    return _fork(child, min(seconds, DEADLINE + 1 - time.monotonic())) == PASSED


def _run(items: list[Any]) -> bool:
    global failed
    failed = False
    for item in items:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if failed:
            return False
    return True


def _fork(run: Any, seconds: float) -> int:
    """Run it in a fork; return PASSED if it is true, FAILED if not, else if it took too long or died."""
    pid = os.fork()
    if pid == 0:
        code = NEITHER
        try:
            os.setpgid(0, 0)
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            code = PASSED if run() else FAILED
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    pause = 0.001
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done or time.monotonic() > end:
            break
        time.sleep(pause)
        pause = min(0.02, 1.5 * pause)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)  # what it has started, too
    if not done:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return NEITHER
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else NEITHER


def _functions() -> dict[str, list[Any]]:
    """Return the functions of each file below ROOT."""
    found: dict[str, list[Any]] = {}
    for one in gc.get_objects():
        if isinstance(one, types.FunctionType):
            name = one.__code__.co_filename
            if name.startswith(ROOT) or os.path.realpath(name).startswith(ROOT):
                found.setdefault(os.path.realpath(name), []).append(one)
    return found


def _pairs(functions: list[Any], code: Any) -> Any:
    """Yield each function with its code in a newly compiled module."""
    codes: dict[Any, Any] = {}
    waiting = [code]
    while waiting:
        for one in waiting.pop().co_consts:
            if isinstance(one, types.CodeType):
                codes[one.co_name, one.co_firstlineno] = one
                waiting.append(one)
    for function in functions:
        own = function.__code__
        new = codes.get((own.co_name, own.co_firstlineno))
        if new is not None:
            yield function, new


def _defaults(functions: list[Any], text: str) -> Any:
    """Return the functions whose literal defaults differ in ``text``, with all of the new ones."""
    nodes = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno] + [one.lineno for one in node.decorator_list])
            nodes[node.name, first] = node.args
    found = []
    for function in functions:
        arguments = nodes.get((function.__code__.co_name, function.__code__.co_firstlineno))
        old, named = function.__defaults__ or (), function.__kwdefaults__ or {}
        if arguments is None or len(old) != len(arguments.defaults):
            continue
        new = tuple(_value(node, old[number]) for number, node in enumerate(arguments.defaults))
        names = [one.arg for one in arguments.kwonlyargs]
        new_named = {
            names[number]: _value(node, named[names[number]])
            for number, node in enumerate(arguments.kw_defaults)
            if names[number] in named
        }
        before = [*old, *named.values()]
        if any(one is not before[number] for number, one in enumerate([*new, *new_named.values()])):
            found.append((function, new or None, new_named or None))
    return found


def _value(node: Any, old: Any) -> Any:
    """Return the value of a default that is a literal, ``old`` if it is the same or another expression."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return old
    return value if type(value) is not type(old) or value != old else old
