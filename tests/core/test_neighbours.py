# ruff: noqa: E501  (programs stand as they are written)
"""Exceptions that follow each other closely, or wear an odd dress: each keeps its type, message and frame."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dspy_agent_core.logs import Reducer

PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".")

TESTS = """\
import json
import pytest

@pytest.fixture
def fixture():
    raise NotADirectoryError('no folder')

def helper(key):
    return {'a': 1}[key]

class TestIt:
    def test_key(self):
        helper('missing')

    def test_library(self):
        json.loads('{')

    def test_equal(self):
        left, right = [1, 2, 3], [1, 2, 4]
        assert left == right

    @pytest.mark.parametrize('n', [1, 2])
    def test_number(self, n):
        assert n == 1, f'n is {n}'

def test_with(fixture):
    pass
"""
JSON_ERROR = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
IN_TESTS = [
    ("NotADirectoryError", "no folder", 6, "fixture"),
    ("KeyError", "'missing'", 9, "helper"),
    ("json.decoder.JSONDecodeError", JSON_ERROR, 16, "test_library"),
    ("AssertionError", "assert [1, 2, 3] == [1, 2, 4]", 20, "test_equal"),
    ("AssertionError", "n is 2", 24, "test_number"),
]


@dataclass(frozen=True)
class Program:
    """What is run, and (type, first line of the message, line, function) of all that it must show."""

    name: str
    command: tuple[str, ...]
    file: str
    source: str
    shown: list[tuple[str, str, int, str]]


PROGRAMS = [
    Program("pytest", PYTEST, "test_it.py", TESTS, IN_TESTS),
    Program("pytest -v", (*PYTEST, "-v"), "test_it.py", TESTS, IN_TESTS),
    Program("pytest --tb=short", (*PYTEST, "--tb=short"), "test_it.py", TESTS, IN_TESTS),
    Program("pytest --tb=native", (*PYTEST, "--tb=native"), "test_it.py", TESTS, IN_TESTS),
    Program(
        "pytest can't import",
        PYTEST,
        "test_broken.py",
        "import os\nimport not_installed_here\n",
        [("ModuleNotFoundError", "No module named 'not_installed_here'", 2, "<module>")],
    ),
    Program(
        "node, logged behind words",
        ("node",),
        "logged.js",
        "function f() { return nothing }\n"
        "try { f() } catch (e) { console.error('failed:', e) }\n"
        "function g() { throw new RangeError('far') }\n"
        "try { g() } catch (e) { console.error('again:', e.stack) }\n"
        "function h() { throw new EvalError('odd') }\n"
        "try { h() } catch (e) { console.error(new Date().toISOString(), '[error] third:', e) }\n"
        "try { JSON.parse('') } catch (e) { console.error('fourth', e) }\n",
        [
            ("ReferenceError", "nothing is not defined", 1, "f"),
            ("RangeError", "far", 3, "g"),
            ("EvalError", "odd", 5, "h"),
            ("SyntaxError", "Unexpected end of JSON input", 7, "Object.<anonymous>"),
        ],
    ),
    Program(
        "java, names without a package",
        ("java",),
        "Odd.java",
        "public class Odd {\n  static class Lost extends RuntimeException { Lost(String m) { super(m); } }\n"
        '  static void f() {\n    throw new Lost("gone");\n  }\n  public static void main(String[] a) {\n    f();\n  }\n}\n',
        [("Odd$Lost", "gone", 4, "Odd.f")],
    ),
    Program(
        "doctest",
        (sys.executable,),
        "documented.py",
        '"""\n>>> f(0)\n1\n"""\ndef f(x):\n    return 1 / x\nimport doctest; doctest.testmod()\n',
        [("ZeroDivisionError", "division by zero", 6, "f")],
    ),
    Program(
        "a class with a small letter",
        (sys.executable,),
        "small.py",
        "class my_error(Exception): ...\ndef f():\n    raise my_error('small')\nf()\n",
        [("my_error", "small", 3, "f")],
    ),
    Program(
        "a traceback by its repr",
        (sys.executable,),
        "repr.py",
        "import logging, traceback\ndef f():\n    raise OSError('quoted')\ntry:\n    f()\n"
        "except OSError:\n    logging.error('failed: %r', traceback.format_exc())\n",
        [("OSError", "quoted", 3, "f")],
    ),
]

CARRIERS = {
    "bare": "{}",
    "CRI": "2026-11-23T10:00:02.123456789Z stderr F {}",
    "stern": "web-7d9c8b5f6d-x2x4z app {}",
}
NOISE = ["2026-11-23 10:00:00,001 INFO app.main - GET /healthz 200"] * 3


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_each_exception_keeps_what_is_its_own(tmp_path: Path, program: Program, carrier: str) -> None:
    if shutil.which(program.command[0]) is None:
        pytest.skip(f"{program.command[0]} is not installed")
    (tmp_path / program.file).write_text(program.source)
    done = subprocess.run(
        [*program.command, program.file], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    lines = [*NOISE, *(done.stdout + done.stderr).split("\n"), *NOISE]
    reducer = Reducer()
    reducer.feed([CARRIERS[carrier].format(line) for line in lines], at=1_795_000_000.0)
    events = reducer.result().events
    shown = [
        (event.type, event.message.partition("\n")[0], event.frame.line, event.frame.function)
        for event in events
        if event.frame is not None and event.frame.path.endswith(program.file)
    ]
    assert sorted(map(str, shown)) == sorted(map(str, program.shown))


def test_an_exception_of_another_process_keeps_the_place_where_it_was_raised(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(
        "from concurrent.futures import ProcessPoolExecutor\ndef task(n):\n    raise OSError('far away')\n"
        "if __name__ == '__main__':\n    with ProcessPoolExecutor(1) as pool:\n        pool.submit(task, 1).result()\n"
    )
    done = subprocess.run(
        [sys.executable, "pool.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    reducer = Reducer()
    reducer.feed(done.stderr.split("\n"))
    (event,) = reducer.result().events
    assert (event.type, event.message) == ("OSError", "far away")
    assert event.cause is None
    assert event.frame is not None
    assert (event.frame.line, event.frame.function) == (3, "task")


def test_what_nobody_caught_belongs_to_no_log_line() -> None:
    reducer = Reducer()
    reducer.feed(
        [
            "2026-11-23 10:00:00 WARN slow answer",
            'Exception in thread "worker" java.lang.IllegalStateException: gone',
            "\tat shop.Cart.add(Cart.java:3)",
        ]
    )
    found = {(event.level, event.type, event.message) for event in reducer.result().events}
    assert found == {
        ("warning", None, "slow answer"),
        ("error", "java.lang.IllegalStateException", "gone"),
    }
