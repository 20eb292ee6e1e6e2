"""Runs the programs of this folder and prints what each wrote, both streams together.

They were written before their author had seen the parser. A section is ``=== name``, ``expect: type | message
| function`` (of the line marked ``@own``), ``cause: type | message``, then ``--- file`` and the source.
``tests/core/corpus/unseen-*.txt`` holds what they wrote, with those labels::

    python benchmarks/unseen/record.py [name ...]

Python's need flask, fastapi, uvicorn, django, celery, sqlalchemy, requests, pydantic, click, structlog,
loguru, python-json-logger, pytest, httpx, jinja2, redis, aiohttp, apscheduler, tenacity, gunicorn, rich,
tornado and marshmallow.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_COMMANDS = {
    "py": "{python} {file}",
    "js": "node {file}",
    "mjs": "node {file}",
    "java": "javac {file} && java -cp . {stem}",
    "go": "go run {file}",
    "rs": "rustc -g -o {stem} {file} && ./{stem}",
    "rb": "ruby {file}",
    "php": "php -d display_errors=0 -d log_errors=1 -d error_log= {file}",
    "cs": "mcs -debug {file} && mono --debug {stem}.exe",
    "cpp": "g++ -g -o {stem} {file} && ./{stem}",
    "c": "gcc -g -fsanitize=address -o {stem} {file} && ./{stem}",
    "sh": "bash {file}",
    "pl": "perl {file}",
    "lua": "lua {file}",
    "exs": "elixir {file}",
    "scala": "scalac {file} && scala -cp . {stem}",
}


def main(names: list[str]) -> None:
    """Run the programs of ``names``, or all."""
    for path in sorted(Path(__file__).parent.glob("*.txt")):
        for section in re.split(r"^=== ", path.read_text(), flags=re.M)[1:]:
            head, _, rest = section.partition("--- ")
            name = head.partition("\n")[0]
            if not names or name in names:
                print(f"=== {name}\n{_output(head, *rest.split(chr(10), 1))}")


def _output(head: str, file: str, source: str) -> str:
    stem, _, ending = file.rpartition(".")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, file)
        path.write_text(source)
        command = _COMMANDS[ending].format(python=sys.executable, file=path, stem=stem)
        given = dict(pair.split("=") for pair in re.findall(r"^env: (\S+)$", head, re.M))
        environ = os.environ | {"GO111MODULE": "off"} | given
        pipe = subprocess.PIPE
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environ,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            timeout=90,
            check=False,
        )
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    main(sys.argv[1:])
