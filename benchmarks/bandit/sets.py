"""The sets that come with packages: digits (scikit-learn), segment (river), the Open Bandit sample (obp).

They are made into arrays in the cache once, from archives of pinned versions; nothing of them is committed.
"""

from __future__ import annotations

import csv
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.bandit.places import cache, peers_python
from benchmarks.bandit.worlds import Array, World, of_labels, of_rows

RIVER: Final = "river==0.26.1"
OBP: Final = "obp==0.5.7"
CAMPAIGN: Final = "men"  # 34 arms: the one with the fewest
_LOUDER: Final = 50.0  # clicks in the sample: 0.4 %, of which nothing could be learned in so few rounds
_SHRINK: Final = 5.0  # clicks that an effect must outweigh


def digits(rounds: int, *, drift: bool = False) -> World:
    """8 × 8 pixels → one of ten digits; the three pixels that are always white are left out."""
    from sklearn.datasets import load_digits

    data = load_digits()
    name = "digits" + " under drift" * drift
    return of_labels(
        name, data.data[:, data.data.any(axis=0)] / 16.0, data.target.astype(np.intp), rounds, drift=drift
    )


def segment(rounds: int, *, drift: bool = False) -> World:
    """18 numbers about a patch of an image → one of seven surfaces; standardised, a third of it, within
    -1..1.
    """
    with zipfile.ZipFile(io.BytesIO(_member(_archive(RIVER), "river/datasets/segment.csv.zip"))) as inner:
        rows = list(csv.reader(io.TextIOWrapper(inner.open(inner.namelist()[0]), encoding="utf-8")))[1:]
    numbers = np.array([row[:-1] for row in rows], np.float64)
    spread = numbers.std(axis=0)
    numbers = np.clip((numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1) / 3, -1, 1)
    labels = np.unique([row[-1] for row in rows], return_inverse=True)[1]
    return of_labels("segment" + " under drift" * drift, numbers, labels, rounds, drift=drift)


def open_bandit(rounds: int) -> World:
    """Contexts of the sample's log; chances of a click modelled on its counts, and made 50 times as likely.

    An item's rate is that of the prior that ZOZOTOWN's own bandit had (``prior_bts.yaml``: 410,000
    showings); the effect of a user's feature on a category of items is its share of the clicks in the two
    logs of the sample, shrunk. The sample itself (46 clicks of 10,000 showings to 34 items) can't tell
    systems apart by replay.
    """
    archive = _archive(OBP)
    logs = [_table(archive, f"obd/{policy}/{CAMPAIGN}/{CAMPAIGN}.csv") for policy in ("random", "bts")]
    items = _table(archive, f"obd/random/{CAMPAIGN}/item_context.csv")
    category = np.unique([row["item_feature_1"] for row in items], return_inverse=True)[1]
    rates = _rates(archive)
    rows = [row for log in logs for row in log]
    taken = np.array([int(row["item_id"]) for row in rows])
    clicks = np.array([float(row["click"]) for row in rows])
    levels = [
        np.unique([row[f"user_feature_{at}"] for row in rows], return_inverse=True)[1] for at in range(4)
    ]
    places = np.array([int(row["position"]) - 1 for row in rows])
    chances = np.tile(rates, (len(rows), 1))
    for level in levels:
        shape = (int(level.max()) + 1, int(category.max()) + 1)
        seen, awaited = np.zeros(shape), np.zeros(shape)
        np.add.at(seen, (level, category[taken]), clicks)
        np.add.at(awaited, (level, category[taken]), rates[taken] * clicks.sum() / rates[taken].sum())
        chances *= ((seen + _SHRINK) / (awaited + _SHRINK))[level][:, category]
    contexts = np.hstack([np.eye(int(level.max()) + 1)[level] for level in (*levels, places)])
    half = len(logs[0])  # users as they came where items were shown at random
    return of_rows(
        "open-bandit", contexts[:half], np.clip(chances[:half] * _LOUDER, 0, 0.95), rounds, drift=False
    )


def _rates(archive: Path) -> Array:
    """Return clicks by showing of each item: the prior's file is flat YAML, lists of numbers below two
    names.
    """
    text = _member(archive, "obp/policy/conf/prior_bts.yaml").decode()
    part = text.split(f"\n{CAMPAIGN}:", 1)[1] if not text.startswith(f"{CAMPAIGN}:") else text
    lists: dict[str, list[float]] = {}
    for line in part.splitlines()[1:] if part.startswith("\n") else part.splitlines():
        word = line.strip()
        if line and not line.startswith((" ", "-")):
            break
        if word.endswith(":"):
            lists[word[:-1]] = current = []
        elif word.startswith("- "):
            current.append(float(word[2:]))
    clicks, rest = np.array(lists["alpha"]), np.array(lists["beta"])
    return clicks / (clicks + rest)


def _table(archive: Path, ending: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_member(archive, ending).decode())))


def _member(archive: Path, ending: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(ending)
    with tarfile.open(archive) as source:
        (name,) = [name for name in source.getnames() if name.endswith(ending)]
        opened = source.extractfile(name)
        assert opened is not None
        return opened.read()


def _archive(wanted: str) -> Path:
    """Return the package's archive; obp's own bounds on Python don't matter for its data."""
    folder = cache() / "downloads" / wanted.replace("==", "-")
    if not folder.is_dir():
        part = folder.with_name(f".part-{folder.name}")
        options = ("download", "-qq", "--no-deps", "--ignore-requires-python", "-d", str(part), wanted)
        subprocess.run([str(peers_python()), "-m", "pip", *options], check=True)
        part.rename(folder)
    (archive,) = folder.iterdir()
    return archive
