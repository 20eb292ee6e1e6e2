"""Large trees from a seed: many small files of several languages, whose names and calls follow Zipf's law.

    $ uv run --group dev python -m benchmarks.code_search.trees --files 100000

The code is parsable and calls what other files may define, so that an index finds symbols, imports and words
as in a real tree; it says nothing about how well anything is found.
"""

from __future__ import annotations

import argparse
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from benchmarks.code_search.places import data_folder


def _listed(text: str) -> list[str]:
    return text.split()


_VERBS = _listed("""
    get set load save parse build make read write open close find check merge split send fetch apply
    render encode decode update remove insert create resolve validate convert format register schedule
    compute
""")
_NOUNS = _listed("""
    user order token session cache index query record invoice payment account policy request response
    header message queue worker task job event stream buffer block node edge graph tree table column row
    schema field value key lock file path folder archive image pixel color font page layout widget
    button menu window theme route handler filter metric counter timer clock date calendar price
    currency tax region city address phone customer product catalog stock shipment carrier label printer
    scanner device sensor signal channel socket packet frame cluster pod volume secret config option
    flag plugin module package version release branch commit
""")
_SYLLABLES = _listed("""
    ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zy tri plo gra ster mond vel
""")


@dataclass(frozen=True, slots=True)
class Words:
    """Words with Zipf's weights: a few in every file, most in a handful."""

    words: Sequence[str]
    weights: Sequence[float]

    def some(self, chance: random.Random, count: int) -> list[str]:
        """Draw words."""
        return chance.choices(self.words, cum_weights=self.weights, k=count)


def words(chance: random.Random, count: int) -> Words:
    """Return the vocabulary: the nouns of programs first, then ``count`` invented ones."""
    invented = ("".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(count))
    found = list(dict.fromkeys([*_NOUNS, *invented]))
    return Words(found, list(accumulate(1 / (rank + 10) for rank in range(len(found)))))


FILES_A_FOLDER = 10


def write_tree(target: Path, files: int, seed: int = 1) -> None:
    """Write the tree to a folder that is made anew."""
    shutil.rmtree(target, ignore_errors=True)
    chance = random.Random(seed)
    vocabulary = words(chance, max(2_000, files // 4))
    kinds: list[tuple[str, Callable[[random.Random, Words], str]]] = [
        (".py", python), (".ts", typescript), (".go", go), (".java", java), (".md", markdown),
    ]  # fmt: skip
    areas = vocabulary.some(chance, 40)
    folders = [
        target / chance.choice(areas) / "/".join(vocabulary.some(chance, chance.choice((1, 1, 2))))
        for _ in range(max(1, files // FILES_A_FOLDER))
    ]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        suffix, write = chance.choices(kinds, weights=(40, 25, 15, 12, 8))[0]
        name, more = vocabulary.some(chance, 2)
        path = chance.choice(folders) / f"{name}_{more}_{number}{suffix}"
        path.write_text(write(chance, vocabulary), encoding="utf-8")


def _name(chance: random.Random, vocabulary: Words) -> list[str]:
    return [chance.choice(_VERBS), *vocabulary.some(chance, chance.choice((1, 2, 2, 3)))]


def _camel(parts: Sequence[str]) -> str:
    return parts[0] + "".join(part.capitalize() for part in parts[1:])


def _type(chance: random.Random, vocabulary: Words) -> str:
    return "".join(part.capitalize() for part in vocabulary.some(chance, 2))


def python(chance: random.Random, vocabulary: Words) -> str:
    """Return a module with a class and functions."""
    first, second = vocabulary.some(chance, 2)
    lines = [
        f'"""{first.capitalize()} of each {second}."""',
        "",
        f"from {first}.{second} import {_type(chance, vocabulary)}",
        "",
    ]
    lines += ["", f"class {_type(chance, vocabulary)}:"]
    for _ in range(chance.randint(2, 5)):
        name, other, a, b = _name(chance, vocabulary), _name(chance, vocabulary), *vocabulary.some(chance, 2)
        lines += [
            f"    def {'_'.join(name)}(self, {a}, {b}_id=None):",
            f'        """{" ".join(name).capitalize()} for the {b} of a {a}."""',
            f"        if {a} is None:",
            f"            raise ValueError('no {a} in {b}')",
            f"        {b}_value = self.{'_'.join(other)}({a})",
            f"        return {'_'.join(_name(chance, vocabulary))}({b}_value, {a}, {b}_id)",
            "",
        ]
    return "\n".join(lines)


def typescript(chance: random.Random, vocabulary: Words) -> str:
    """Return a module with exported functions."""
    lines = [f"import {{ {_type(chance, vocabulary)} }} from './{vocabulary.some(chance, 1)[0]}';", ""]
    for _ in range(chance.randint(2, 5)):
        name, a, b = _name(chance, vocabulary), *vocabulary.some(chance, 2)
        lines += [
            f"/** {' '.join(name).capitalize()} of the {a}. */",
            f"export function {_camel(name)}({a}: string, {b}Count: number): {_type(chance, vocabulary)} {{",
            f"  const {b}Value = {_camel(_name(chance, vocabulary))}({a});",
            f"  if (!{b}Value) throw new Error('{a} without {b}');",
            f"  return {_camel(_name(chance, vocabulary))}({b}Value, {b}Count);",
            "}",
            "",
        ]
    return "\n".join(lines)


def go(chance: random.Random, vocabulary: Words) -> str:
    """Return a file with a struct and its methods."""
    struct, package = _type(chance, vocabulary), vocabulary.some(chance, 1)[0]
    lines = [
        f"package {package}",
        "",
        f"type {struct} struct {{",
        f"\t{_type(chance, vocabulary)} string",
        "}",
        "",
    ]
    for _ in range(chance.randint(2, 4)):
        name, a = _camel(["", *_name(chance, vocabulary)]), vocabulary.some(chance, 1)[0]
        lines += [
            f"// {name} is for each {a}.",
            f"func (s *{struct}) {name}({a} string) error {{",
            f"\tif err := s.{_camel(['', *_name(chance, vocabulary)])}({a}); err != nil {{",
            "\t\treturn err",
            "\t}",
            "\treturn nil",
            "}",
            "",
        ]
    return "\n".join(lines)


def java(chance: random.Random, vocabulary: Words) -> str:
    """Return a class."""
    first, second = vocabulary.some(chance, 2)
    lines = [f"package org.{first}.{second};", "", f"public class {_type(chance, vocabulary)} {{"]
    for _ in range(chance.randint(2, 5)):
        name, a = _name(chance, vocabulary), vocabulary.some(chance, 1)[0]
        lines += [
            f"    /** {' '.join(name).capitalize()} by {a}. */",
            f"    public {_type(chance, vocabulary)} {_camel(name)}(String {a}) {{",
            f"        return this.{_camel(_name(chance, vocabulary))}({a}.trim());",
            "    }",
        ]
    return "\n".join([*lines, "}", ""])


def markdown(chance: random.Random, vocabulary: Words) -> str:
    """Return a page with a few sections."""
    lines = [f"# {_type(chance, vocabulary)}", ""]
    for _ in range(chance.randint(2, 5)):
        some = vocabulary.some(chance, 24)
        lines += [f"## {' '.join(_name(chance, vocabulary)).capitalize()}", "", f"The {' '.join(some)}.", ""]
    return "\n".join(lines)


def main() -> None:
    """Write a tree of the size asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", type=Path, help="default: trees/FILES in the cache")
    arguments = parser.parse_args()
    target = arguments.target or data_folder() / "trees" / str(arguments.files)
    write_tree(target, arguments.files, arguments.seed)
    print(target)


if __name__ == "__main__":
    main()
