"""The packages whose functions get bugs, with the versions and digests that the figures were taken with.

Prompts and weights of `edit` were chosen on the tuning packages (some in other versions); the held-out ones
were looked at by nobody before the figures. A suite is bounded: what is slow, needs more than pytest or
fails as it came is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.code_search.places import HALVES, Half

TUNING: Final[Half] = HALVES[0]
HELD_OUT: Final[Half] = HALVES[1]

# What the suites run with.
REQUIREMENTS: Final = (
    *("pytest==9.2.0", "freezegun==1.5.5", "pyyaml==6.0.4", "text-unidecode==1.3", "whatever==0.7"),
)


@dataclass(frozen=True, slots=True)
class Package:
    """A package's source. ``code``: the folders that get bugs. ``options``: pytest's, to bound the suite."""

    name: str
    version: str
    sha256: str
    half: Half
    code: str
    tests: str = "tests"
    options: str = ""


_SLOW_RECIPES = (
    "-k 'not (test_primes or test_roundtrip or test_nth_prime or concurrent or test_all_orderings"
    " or test_large or lcg_mitigation or running_median or statistics_median or cross_check)'"
)
PACKAGES: Final = (
    Package(
        *("boltons", "26.2.0", "d39cfd15c1a1c3bd4d705c82252fa9edb8e4f5e8cc039f8e39afac7b1b47e92c"),
        TUNING,
        "boltons",
    ),
    Package(
        *("humanize", "4.17.0", "1d6a36c453dbfbb3f0b34601d2e0b4ce5d48d780305cd45714843f0068fde6ac"),
        TUNING,
        "src/humanize",
        "tests",
        "--ignore=tests/test_benchmarks.py",
    ),
    Package(
        *("inflection", "0.5.1", "1a29730d366e996aaacffb2f1f1cb9593dc38e2ddd30c91250c6dde09ea9b417"),
        TUNING,
        "inflection",
        "test_inflection.py",
    ),
    Package(
        *("more-itertools", "11.2.1", "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63"),
        TUNING,
        "more_itertools",
        "tests",
        _SLOW_RECIPES,
    ),
    Package(
        *("toolz", "1.2.0", "9667a038e9d6ecba37995e26cb2f59ec6420b6ad8dd9677de59db9b956b08490"),
        TUNING,
        "toolz",
        "toolz tlz",
    ),
    Package(
        *("cachetools", "8.0.2", "30ac523adfc118b51d2b2e7bad8a0ddb31370dfe2700c7f10ca224f36ccf81e0"),
        HELD_OUT,
        "src/cachetools",
    ),
    Package(
        *("funcy", "2.1", "8979feb3de7120afd1d00e5a8eae810c1942e4bfbc91697151e9ee1e49f79284"),
        HELD_OUT,
        "funcy",
    ),
    Package(
        *("isodate", "0.7.2", "4cd1aa0f43ca76f4a6c6c0292a85f40b35ec2e43e315b59f06e6d32171a953e6"),
        HELD_OUT,
        "src/isodate",
    ),
    Package(
        *("markdown", "3.11.3", "81eb91631dc97ad1efbc76019ef0f80fe90ca49ddf81546752d79989c3bfff3e"),
        HELD_OUT,
        "markdown",
        "tests",
        "--ignore=tests/test_syntax/extensions/test_md_in_html.py -k 'not many'",
    ),
    Package(
        *("parse", "1.22.4", "706d458feed5a81b02768d3156e8070baf6cee7d150a3a3c0cd43101a875c3b5"),
        HELD_OUT,
        "parse",
    ),
    Package(
        *("pathspec", "1.1.1", "17db5ecd524104a120e173814c90367a96a98d07c45b2e10c2f3919fff91bf5a"),
        HELD_OUT,
        "pathspec",
    ),
    Package(
        *("pyrsistent", "0.20.0", "4c48f78f62ab596c679086084d0dd13254ae4f3d6c72a83ffdf5ebdef8f265a4"),
        HELD_OUT,
        "pyrsistent",
        "tests",
        "--ignore=tests/hypothesis_vector_test.py -k 'not segfault'",
    ),
    Package(
        *("python-slugify", "9.2.0", "cee32948083476013804de1667724fb1362dacb71e47b1d5d92adf8db6ee3298"),
        HELD_OUT,
        "slugify",
    ),
    Package(
        *("semver", "3.1.2", "bea193552413194252d33ff26ce0962b76669bd1c6fb17e8e203ac37f072feaf"),
        HELD_OUT,
        "src/semver",
    ),
    Package(
        *("sqlparse", "0.6.1", "ca722573f848ff2d30e40ea30f53a104b7dea7635ea9285891263eb2c58fb6e7"),
        HELD_OUT,
        "sqlparse",
        "tests",
        "--ignore=tests/test_cli.py --ignore=tests/test_dos_prevention.py",
    ),
    Package(
        *("tabulate", "0.10.0", "e2cfde8f79420f6deeffdeda9aaec3b6bc5abce947655d17ac662b126e48a60d"),
        HELD_OUT,
        "tabulate",
        "test",
    ),
    Package(
        *("tomlkit", "0.15.2", "83e32755ba1d20d9340bd069ee97e9f6232ba2346b63ffcba425de01f7e327a6"),
        HELD_OUT,
        "tomlkit",
    ),
)


def package(name: str) -> Package:
    """Return the package of that name."""
    return next(one for one in PACKAGES if one.name == name)
