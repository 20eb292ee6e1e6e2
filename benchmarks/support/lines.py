"""Log lines for the benchmarks of the reducer: the same ones from the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

Lines = list[str]
_SITES = 12  # places in each program's code where something fails
_VERBS = ["open", "close", "read", "write", "fetch", "store", "claim", "renew", "sync", "merge", "split"]
_THINGS = ["order", "invoice", "cart", "session", "token", "batch", "topic", "index", "shard", "lease"]
_STEPS = ["started", "finished", "retried", "queued", "skipped", "accepted", "rejected", "delayed"]


class _Program:
    """One program's voice: a clock that goes on, and a source of randomness."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = 0.0

    def tick(self) -> tuple[int, int, int, int]:
        """Return hours, minutes, seconds and milliseconds of the next line."""
        self.clock = (self.clock + self.random.expovariate(40)) % 86400
        whole = int(self.clock)
        return whole // 3600, whole // 60 % 60, whole % 60, int(self.clock % 1 * 1000)

    def number(self, most: int = 100_000) -> int:
        return self.random.randrange(most)

    def pick(self, words: list[str]) -> str:
        return self.random.choice(words)

    def address(self) -> str:
        return ".".join(str(self.random.randrange(1, 255)) for _ in range(4))

    def site(self) -> random.Random:
        """Return what a place in the code is made of: one of a few, each always the same."""
        return random.Random(self.random.randrange(_SITES))

    def identifier(self) -> str:
        return f"{self.random.getrandbits(128):032x}"


def _python(p: _Program) -> Lines:
    hours, minutes, seconds, millis = p.tick()
    head = f"2026-11-23 {hours:02}:{minutes:02}:{seconds:02},{millis:03}"
    thing = p.pick(_THINGS)
    if p.random.random() < 0.93:
        say = f"{p.pick(_VERBS)} of {thing} {p.number()} {p.pick(_STEPS)} in {p.number(900)} ms"
        return [f"{head} INFO shop.{thing}: {say}"]
    trace = [f"{head} ERROR shop.{thing}: {thing} {p.number()} failed", "Traceback (most recent call last):"]
    site = p.site()
    for depth in range(site.randrange(2, 9)):
        folder = "/app/shop" if depth < 2 else "/usr/lib/python3.11"
        place = f'"{folder}/{site.choice(_THINGS)}.py", line {site.randrange(400)}'
        trace += [f"  File {place}, in {site.choice(_VERBS)}", f"    {site.choice(_VERBS)}(value)"]
    kind = site.choice(["KeyError", "ValueError", "ConnectionRefusedError", "shop.errors.OutOfStock"])
    return [*trace, f"{kind}: {site.choice(_THINGS)} {p.number()} has no {site.choice(_THINGS)}"]


def _java(p: _Program) -> Lines:
    hours, minutes, seconds, millis = p.tick()
    head = f"2026-11-23 {hours:02}:{minutes:02}:{seconds:02}.{millis:03}"
    thing = p.pick(_THINGS).title()
    if p.random.random() < 0.92:
        say = f"{p.pick(_STEPS)} {thing}[id={p.number()}] from /{p.address()}:{p.number(60000)}"
        return [f"{head}  INFO 1 --- [pool-1-thread-{p.number(8)}] c.s.{thing}Service : {say}"]
    site = p.site()
    kind = site.choice(_THINGS).title()
    lines = [f"{head} ERROR 1 --- [main] c.s.{kind}Service : could not {site.choice(_VERBS)} {p.number()}"]
    lines.append(f"com.shop.{kind}Exception: no {site.choice(_THINGS)} for {p.number()}")
    for _ in range(site.randrange(4, 20)):
        name = site.choice(_THINGS).title()
        lines.append(f"\tat com.shop.{name}.{site.choice(_VERBS)}({name}.java:{site.randrange(300)})")
    lines.append(f"Caused by: java.sql.SQLException: connection to {p.address()} timed out")
    return [*lines, f"\tat com.shop.db.Pool.take(Pool.java:{site.randrange(300)})", "\t... 17 more"]


def _go(p: _Program) -> Lines:
    hours, minutes, seconds, millis = p.tick()
    head = f"1123 {hours:02}:{minutes:02}:{seconds:02}.{millis:03}000       1"
    if p.random.random() < 0.97:
        level = p.pick(["I", "I", "I", "I", "I", "W", "E"])
        name = f'"default/{p.pick(_THINGS)}-{p.number(90)}"'
        where = f"{p.pick(_VERBS)}er.go:{p.number(9)}7"
        say = f"{p.pick(_VERBS).title()} {p.pick(_STEPS)}"
        return [f'{level}{head} {where}] "{say}" object={name} rev={p.number()}']
    site = p.site()
    lines = [f"panic: runtime error: index out of range [{p.number(90)}] with length {p.number(9)}", ""]
    lines += [f"goroutine {p.number(900)} [running]:"]
    for _ in range(site.randrange(2, 8)):
        verb = site.choice(_VERBS)
        lines.append(f"main.{verb}(0xc000{p.number():06x})")
        lines.append(f"\t/src/cmd/{verb}.go:{site.randrange(300)} +0x{site.randrange(999):x}")
    return lines


def _node(p: _Program) -> Lines:
    hours, minutes, seconds, millis = p.tick()
    thing = p.pick(_THINGS)
    fields: dict[str, object] = {
        "level": 30,
        "time": f"2026-11-23T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z",
        "pid": 7,
        "hostname": "web-5d8f7c9b4-x2x7k",
        "reqId": p.identifier(),
        "msg": f"{thing} {p.pick(_STEPS)}",
    }
    if p.random.random() < 0.06:
        fields["level"] = 50
        site = p.site()
        frames = [(site.choice(_VERBS), site.choice(_THINGS), site.randrange(300)) for _ in range(6)]
        stack = "\n".join(f"    at {verb} (/app/src/{name}.js:{line}:9)" for verb, name, line in frames)
        message = f"Cannot read properties of undefined (reading '{thing}')"
        fields["err"] = {"type": "TypeError", "message": message, "stack": f"TypeError: {message}\n{stack}"}
    return [json.dumps(fields)]


def _access(p: _Program) -> Lines:
    hours, minutes, seconds, _ = p.tick()
    status = p.pick(["200", "200", "200", "200", "304", "404", "500"])
    probe = p.random.random() < 0.2
    url = "/healthz" if probe else f"/api/{p.pick(_THINGS)}/{p.number()}?page={p.number(9)}"
    agent = "kube-probe/1.34" if probe else "Mozilla/5.0 (X11; Linux x86_64)"
    time = f"23/Nov/2026:{hours:02}:{minutes:02}:{seconds:02} +0000"
    return [f'{p.address()} - - [{time}] "GET {url} HTTP/1.1" {status} {p.number()} "-" "{agent}"']


def _logfmt(p: _Program) -> Lines:
    hours, minutes, seconds, _ = p.tick()
    level = p.pick(["info", "info", "info", "warn", "error"])
    say = f"{p.pick(_VERBS)} {p.pick(_THINGS)}"
    time = f"2026-11-23T{hours:02}:{minutes:02}:{seconds:02}Z"
    return [f'time="{time}" level={level} msg="{say}" trace={p.identifier()} took={p.number(900)}ms']


_VOICES: dict[str, tuple[Callable[[_Program], Lines], int]] = {
    "python": (_python, 30),
    "java": (_java, 20),
    "go": (_go, 15),
    "node": (_node, 15),
    "access": (_access, 15),
    "logfmt": (_logfmt, 5),
}


def mixed_lines(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """Return ``count`` pairs of source and line: six programs, their traces among their other lines."""
    dice = random.Random(seed)
    names = list(_VOICES)
    weights = [weight for _, weight in _VOICES.values()]
    programs = {name: _Program(seed + number) for number, name in enumerate(names)}
    lines: list[tuple[str, str]] = []
    while len(lines) < count:
        name = dice.choices(names, weights)[0]
        lines += [(name, line) for line in _VOICES[name][0](programs[name])]
    return lines[:count]


def distinct_lines(seed: int = 1, sources: int = 200) -> Iterator[tuple[str, str]]:
    """Yield pairs of source and line without end; nothing that they name ever comes again."""
    p = _Program(seed)
    number = 0
    while True:
        number += 1
        source = f"/var/log/app-{number % sources}.log"
        for line in _distinct(p, number):
            yield source, line


def _distinct(p: _Program, number: int) -> Lines:
    hours, minutes, seconds, millis = p.tick()
    head = f"2026-11-23 {hours:02}:{minutes:02}:{seconds:02},{millis:03}"
    word, other = _word(number), _word(number * 7919 + 13)
    match number % 8:
        case 0:
            return [f"{head} INFO request {p.identifier()} of user {p.number()} took {p.number(900)} ms"]
        case 1:
            return [f"{head} WARNING the {word} says {other} to the {_word(number * 31)}"]
        case 2:
            return [f"{head} ERROR {word} {other}: {word}.{other} = {p.identifier()}"]
        case 3:
            stack = f'  File "/app/{other}.py", line {p.number(900)}, in {word}'
            said = f"{word.title()}Error: {other} {p.identifier()}"
            return [
                f"{head} ERROR {word} failed",
                "Traceback (most recent call last):",
                stack,
                "    run()",
                said,
            ]
        case 4:
            frame = f"\tat com.{word}.{other.title()}.run({other.title()}.java:{p.number(900)})"
            return [f"{head} ERROR {other}", f"com.{word}.{other.title()}Exception: {p.identifier()}", frame]
        case 5:
            return [
                json.dumps({"level": "error", "msg": f"{word} {other}", word: other, "id": p.identifier()})
            ]
        case 6:
            return [f"[pod/{word}-{p.identifier()[:9]}-{p.identifier()[:5]}/main] {head} WARN {other} {word}"]
        case _:
            return [f"{word} " * (number % 40) + other]


def _word(number: int) -> str:
    """Return a word of letters for ``number``: another for every other."""
    letters = []
    while number:
        number, digit = divmod(number, 20)
        letters.append("bcdfghjklmnpqrstvwxz"[digit] + "aeiou"[digit % 5])
    return "".join(letters)
