"""Does every answer of a small model parse? The agent's own modules, asked many different things.

    $ OLLAMA_MODEL=qwen2.5-coder:1.5b uv run --group dev python benchmarks/model_answers.py --calls 200
    $ … --calls 200 --adapter chat      # DSPy's own adapter beside it, on the same questions

Each question is asked once, and its outcome is kept at once: a run that was stopped goes on. A question whose
answer parsed only when the model was asked again counts as parsed, and is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parents[1]))

import dspy

from benchmarks.code_search.places import data_folder
from dspy_agent.loop.forms import choice_of, usable
from dspy_agent.model.access import Model, open_model
from dspy_agent.model.data import as_data
from dspy_agent.modules.registry import new_module

RESULTS = Path(__file__).parent / "results" / "model-answers.json"
ADAPTERS = ("schema", "plain", "chat", "json")
ANSWER_TOKENS = 400
KINDS = 4

WHERE = [
    "src/cart.py",
    "api/orders.go",
    "web/login.ts",
    "lib/dates.rb",
    "core/Cache.java",
    "app/mail.py",
    "db/pool.rs",
]
WHAT = [
    "parse_price",
    "refresh_token",
    "send_mail",
    "load_config",
    "close_pool",
    "format_date",
    "merge_orders",
]
ERRORS = [
    "KeyError: 'price'", "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    "java.lang.NullPointerException", "panic: runtime error: index out of range [3] with length 3",
    "connection refused (os error 111)", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
    'SyntaxError: unexpected token "}" in JSON at position 17', "deadline exceeded after 30.002 s",
]  # fmt: skip
TASKS = [
    "why does {what} fail with {error}?", "rename {what} in {where}", "add a test for {what}",
    "make {what} accept an empty list", "where is {what} used?", 'say "hello" in {where} – „sofort“ 🎉',
    "{what} is slow; find out why", "update the docs of {where}; it's wrong about \\n and {{braces}}",
]  # fmt: skip
TOOLS = ("intel", "esearch", "extract", "codectx", "grep", "ctx", "tree", "run", "edit")


class Review(dspy.Signature):  # type: ignore[misc]  # dspy has no types
    """Judge whether the change does what the task asks for."""

    task: str = dspy.InputField()
    change: str = dspy.InputField()
    good: bool = dspy.OutputField(desc="whether it does")
    score: float = dspy.OutputField(ge=0, le=10, desc="0: useless, 10: perfect")
    kind: Literal["bug", "feature", "style", "other"] = dspy.OutputField(desc="what it changes")
    problems: list[str] = dspy.OutputField(max_length=3, desc="what is wrong with it, if anything")
    next: str | None = dspy.OutputField(desc="what to do next, or null")


def asked(number: int) -> tuple[str, Any, dict[str, Any]]:
    """Return the kind of question ``number``, the module and its inputs: no two are the same."""
    what, where = WHAT[number % 7], WHERE[number // 7 % 7]
    error, task = (
        ERRORS[number // 5 % 8],
        TASKS[number // 3 % 8].format(what=f"{what}_{number}", where=where, error=ERRORS[number // 5 % 8]),
    )
    log = as_data(f"ERROR {number + 2}×  {error}   at {where}:{number + 7} in {what}", 600, "log")
    kind = ("router", "plan", "context", "review")[number % KINDS]
    if kind == "router":
        tools = usable(TOOLS)
        lines = "\n".join(f"{name}: reads or changes the code" for name in tools)
        inputs = {"tools": lines, "seen": log, "suggested": f"extract {what}", "kind": choice_of(tools, True)}
        return kind, new_module("router"), {"task": task, **inputs}
    if kind == "plan":
        evidence = as_data(f"{where}:{number + 7} def {what}\n{error}", 600, "evidence")
        inputs = {"evidence": evidence, "files": [where, WHERE[number % 7]], "commands": ["make test"]}
        return kind, new_module("plan"), {"task": task, **inputs}
    if kind == "context":
        return kind, new_module("context"), {"program": what, "log": log, "checks": f"- open {where}"}
    change = as_data(f"-    return {what}(x)\n+    return {what}(x or [])  # {error}", 600, "change")
    return kind, dspy.Predict(Review), {"task": task, "change": change}


def outcomes(model: Model, adapter: str, numbers: Iterator[int]) -> Iterator[dict[str, Any]]:
    """Yield what became of each question."""
    for number in numbers:
        kind, module, inputs = asked(number)
        calls, tokens, started = model.usage.calls, model.usage.answer_tokens, time.monotonic()
        try:
            with answering(model, adapter, number):
                module(**inputs)
            outcome = "parsed" if model.usage.calls == calls + 1 else "parsed when asked again"
        except Exception as error:  # what an adapter of DSPy's raises is counted too
            outcome = f"failed: {type(error).__name__}: {error}"[:300]
        yield {
            "number": number,
            "kind": kind,
            "outcome": outcome,
            "seconds": round(time.monotonic() - started, 2),
            "answer_tokens": model.usage.answer_tokens - tokens,
        }


def answering(model: Model, adapter: str, number: int) -> AbstractContextManager[Any]:
    """Return the block in which modules ask by way of ``adapter``."""
    stack = ExitStack()
    stack.enter_context(model.answering(answer_tokens=ANSWER_TOKENS, temperature=0.0, seed=number))
    if adapter == "plain":
        from dspy_agent.model.adapter import SchemaAdapter

        stack.enter_context(dspy.context(adapter=SchemaAdapter(keeps_schema=False)))
    elif adapter != "schema":
        kinds = {"chat": dspy.ChatAdapter(use_json_adapter_fallback=False), "json": dspy.JSONAdapter()}
        stack.enter_context(dspy.context(adapter=kinds[adapter]))
    return stack


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts of an adapter's outcomes."""
    words = Counter(row["outcome"].partition(":")[0] for row in rows)
    return {
        "calls": len(rows),
        **dict(sorted(words.items())),
        "by kind": dict(
            sorted(Counter(row["kind"] for row in rows if row["outcome"].startswith("parsed")).items())
        ),
        "mean seconds": round(sum(row["seconds"] for row in rows) / max(1, len(rows)), 1),
        "mean answer tokens": round(sum(row["answer_tokens"] for row in rows) / max(1, len(rows)), 1),
        "failures": [row for row in rows if row["outcome"].startswith("failed")][:20],
    }


def main() -> None:
    """Ask what was not asked yet, and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--adapter", choices=ADAPTERS, default="schema")
    parser.add_argument("--afresh", action="store_true", help="forget what was asked before")
    given = parser.parse_args()
    os.environ.setdefault("USE_OLLAMA", "1")
    model = open_model(Path.cwd())
    kept = data_folder() / "model-answers" / f"{model.settings.name.replace('/', '_')}-{given.adapter}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if given.afresh:
        kept.unlink(missing_ok=True)
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    known = {row["number"] for row in rows}
    # One kind after the other: what a prompt has in common with the one before is not read again.
    waiting = sorted(set(range(given.calls)) - known, key=lambda number: (number % KINDS, number))
    with kept.open("a") as file:
        for row in outcomes(model, given.adapter, iter(waiting)):
            rows.append(row)
            file.write(f"{json.dumps(row)}\n")
            file.flush()
            print(
                f"{row['number']:4} {row['kind']:8} {row['seconds']:6.1f} s  {row['outcome']}",
                file=sys.stderr,
            )
    figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures |= {"machine": {"cpus": os.cpu_count(), "python": platform.python_version()}}
    figures.setdefault(model.settings.name, {})[given.adapter] = summary(rows)
    RESULTS.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(figures[model.settings.name][given.adapter], indent=2))


if __name__ == "__main__":
    main()
