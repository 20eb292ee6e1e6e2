# ruff: noqa: E501  (programs and log lines stand as they are written)
"""Real programs that really fail, and what a reader of their output must be told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Failure:
    """A program and the ``type``, ``message``, ``frame`` (path end, line, function) and causes it must show."""

    name: str
    command: tuple[str, ...]
    file: str
    source: str
    type: str
    message: str
    frame: tuple[str, int, str | None]
    causes: tuple[str, ...] = ()
    build: tuple[str, ...] = field(default=())


PY = (sys.executable,)

FAILURES = [
    Failure("plain", PY, "plain.py", "def f(x):\n    return 1 / x\nf(0)\n", "ZeroDivisionError", "division by zero", ("plain.py", 2, "f")),
    Failure(
        "direct cause", PY, "cause.py",
        "def g():\n    try:\n        {}['k']\n    except KeyError as e:\n        raise ValueError('bad\\nsecond: line') from e\ng()\n",
        "ValueError", "bad\nsecond: line", ("cause.py", 5, "g"), ("KeyError: 'k' at {path}:3 in g",),
    ),
    Failure(
        "during handling", PY, "during.py",
        "def g():\n    try:\n        int('x')\n    except ValueError:\n        raise RuntimeError('second')\ng()\n",
        "RuntimeError", "second", ("during.py", 5, "g"), ("ValueError: invalid literal for int() with base 10: 'x' at {path}:3 in g",),
    ),
    Failure(
        "cause without traceback", PY, "bare.py",
        "def g():\n    raise OSError('outer') from ValueError('inner')\ng()\n",
        "OSError", "outer", ("bare.py", 2, "g"), ("ValueError: inner",),
    ),
    Failure(
        "group", PY, "group.py",
        "def g(n):\n    raise ValueError(f'number {n}')\ndef all():\n    es = []\n    for n in range(2):\n        try:\n            g(n)\n"
        "        except Exception as e:\n            es.append(e)\n    raise ExceptionGroup('many', es)\nall()\n",
        "ExceptionGroup", "many (2 sub-exceptions)", ("group.py", 10, "all"),
        ("ValueError: number 0 at {path}:2 in g", "ValueError: number 1 at {path}:2 in g"),
    ),
    Failure("syntax", PY, "syntax.py", "import os\nx = = 3\n", "SyntaxError", "invalid syntax", ("syntax.py", 2, None)),
    Failure(
        "recursion", PY, "deep.py", "def r(n):\n    return r(n + 1)\nr(0)\n",
        "RecursionError", "maximum recursion depth exceeded", ("deep.py", 2, "r"),
    ),
    Failure(
        "mutual recursion", PY, "mutual.py", "def a(n):\n    return b(n)\ndef b(n):\n    return a(n)\na(0)\n",
        "RecursionError", "maximum recursion depth exceeded", ("mutual.py", 2, "a"),
    ),
    Failure(
        "own class and notes", PY, "own.py",
        "class Lost(Exception): ...\ndef f():\n    e = Lost('gone')\n    e.add_note('a note')\n    raise e\nf()\n",
        "Lost", "gone\na note", ("own.py", 5, "f"),
    ),
    Failure(
        "inside the standard library", PY, "library.py", "import json\ndef load():\n    return json.loads('{')\nload()\n",
        "json.decoder.JSONDecodeError", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", ("library.py", 3, "load"),
    ),
    Failure(
        "thread", PY, "thread.py",
        "import threading\ndef work():\n    raise LookupError('in a thread')\nt = threading.Thread(target=work); t.start(); t.join()\n",
        "LookupError", "in a thread", ("thread.py", 3, "work"),
    ),
    Failure(
        "asyncio", PY, "later.py",
        "import asyncio\nasync def boom():\n    raise TimeoutError('too late')\nasyncio.run(boom())\n",
        "TimeoutError", "too late", ("later.py", 3, "boom"),
    ),
    Failure(
        "logging", PY, "logged.py",
        "import logging\nlogging.basicConfig(format='%(asctime)s %(levelname)s %(name)s - %(message)s', level='INFO')\nlog = logging.getLogger('app')\n"
        "def f():\n    raise PermissionError('no key')\nlog.info('started')\ntry:\n    f()\nexcept Exception:\n    log.exception('job 17 failed')\nlog.info('went on')\n",
        "PermissionError", "no key", ("logged.py", 5, "f"),
    ),
    Failure(
        "JSON logging", PY, "structured.py",
        "import json, logging\nclass F(logging.Formatter):\n    def format(self, r):\n        return json.dumps({'levelname': r.levelname, 'message': r.getMessage(), 'exc_info': self.formatException(r.exc_info)})\n"
        "h = logging.StreamHandler(); h.setFormatter(F()); log = logging.getLogger(); log.addHandler(h)\ndef f():\n    raise EOFError('cut')\n"
        "try:\n    f()\nexcept Exception:\n    log.exception('reading')\n",
        "EOFError", "cut", ("structured.py", 7, "f"),
    ),
    Failure(
        "unittest", PY, "test_unit.py",
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(1, 2)\nunittest.main()\n",
        "AssertionError", "1 != 2", ("test_unit.py", 4, "test_a"),
    ),
    Failure(
        "pytest", (*PY, "-m", "pytest", "-p", "no:cacheprovider"), "test_thing.py",
        "def helper(x):\n    raise ValueError(f'bad {x}')\n\ndef test_it():\n    helper(3)\n",
        "ValueError", "bad 3", ("test_thing.py", 2, "helper"),
    ),
    Failure(
        "node", ("node",), "crash.js", "function f(o) {\n  return o.x.y\n}\nf({})\n",
        "TypeError", "Cannot read properties of undefined (reading 'y')", ("crash.js", 2, "f"),
    ),
    Failure(
        "node with a cause", ("node",), "cause.js", "function f() {\n  throw new Error('outer', { cause: new RangeError('inner') })\n}\nf()\n",
        "Error", "outer", ("cause.js", 2, "f"), ("RangeError: inner at {path}:2 in f",),
    ),
    Failure(
        "node, own class in a promise", ("node",), "own.js",
        "class Lost extends Error {}\nasync function f() {\n  const e = new Lost('two\\nlines')\n  e.code = 'E_LOST'\n  throw e\n}\nf()\n",
        "Lost", "two\nlines", ("own.js", 3, "f"),
    ),
    Failure("node syntax", ("node",), "syntax.js", "let a = 1\nlet x = = 3\n", "SyntaxError", "Unexpected token '='", ("syntax.js", 2, None)),
    Failure("node throws text", ("node",), "text.js", "throw 'just text'\n", "Uncaught", "just text", ("text.js", 1, None)),
    Failure(
        "node, several", ("node",), "several.js", "Promise.any([Promise.reject(new Error('p1'))])\n",
        "AggregateError", "All promises were rejected", ("several.js", 1, "Object.<anonymous>"), ("Error: p1 at {path}:1 in Object.<anonymous>",),
    ),
    Failure(
        "java", ("java",), "Crash.java",
        "public class Crash {\n  static void f() {\n    throw new IllegalStateException(\"two\\nlines\");\n  }\n  public static void main(String[] a) {\n    try {\n      f();\n"
        "    } catch (Exception e) {\n      RuntimeException r = new RuntimeException(\"outer\", e);\n      r.addSuppressed(new java.io.IOException(\"sup\"));\n      throw r;\n    }\n  }\n}\n",
        "java.lang.RuntimeException", "outer", ("Crash.java", 9, "Crash.main"),
        ("java.io.IOException: sup at Crash.java:10 in Crash.main", "java.lang.IllegalStateException: two\nlines at Crash.java:3 in Crash.f"),
    ),
    Failure(
        "rust", ("./crash",), "crash.rs", "fn at(v: &[i32], i: usize) -> i32 {\n    v[i]\n}\nfn main() {\n    println!(\"{}\", at(&[1], 5));\n}\n",
        "panic", "index out of bounds: the len is 1 but the index is 5", ("crash.rs", 2, "crash::at"), build=("rustc", "-g", "-o", "crash", "crash.rs"),
    ),
]  # fmt: skip


def output_of(failure: Failure, folder: Path) -> tuple[str, str]:
    """Run the program in ``folder``; return its output and the path of its source."""
    program = (failure.build or failure.command)[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    source = folder / failure.file
    source.write_text(failure.source)
    if failure.build:
        subprocess.run(failure.build, cwd=folder, check=True, capture_output=True, timeout=60)
    command = failure.command if failure.build else (*failure.command, str(source))
    environ = os.environ | {"RUST_BACKTRACE": "1"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr, str(source)
