"""How well like log messages are put together: the reducer's masks and tree beside Drain3, on Loghub.

Grouping accuracy (Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019): the share
of messages whose predicted group holds exactly the messages of their true group. F1 counts groups, not
messages, so that rare ones matter as much (Jiang et al., "A Large-Scale Evaluation for Log Parsing
Techniques", ISSTA 2024).

The data is not here: `--loghub` names a folder in the layout of the Loghub 2k sets
(`<set>/<set>_2k.log_structured.csv`, or `…_corrected.csv`). Drain3 is of this script alone:

    $ uv run --group dev --with drain3 python benchmarks/grouping.py --loghub loghub
    $ uv run --group dev --with drain3 python benchmarks/grouping.py --loghub loghub --explain Linux
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dspy_agent_core.logs.mask import mask

RESULTS = Path(__file__).parent / "results" / "grouping.json"
# Rules were chosen by looking at these; of the others only scores were known.
TUNING = {
    "Android", "BGL", "HPC", "HealthApp", "Linux", "Mac",
    "OpenSSH", "OpenStack", "Proxifier", "Spark", "Windows",
}  # fmt: skip

# What examples/drain3.ini of Drain3 masks.
DRAIN3_EXAMPLE = (
    (r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)", "<:ID:>"),
    (r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "<:IP:>"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9a-f]{6,} ?){3,}((?=[^A-Za-z0-9])|$)", "<:SEQ:>"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9A-F]{4} ?){4,}((?=[^A-Za-z0-9])|$)", "<:SEQ:>"),
    (r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "<:HEX:>"),
    (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "<:NUM:>"),
    (r"(?<=executed cmd )(\".+?\")", "<:CMD:>"),
)
_IP = r"(\d+\.){3}\d+"
_DOTTED = r"([\w-]+\.){2,}[\w-]+"
# Masks, similarity and depth that LogPAI's own benchmark of Drain sets for each set of logs.
TUNED: dict[str, tuple[list[str], float, int]] = {
    "Android": (
        [r"(/[\w-]+)+", _DOTTED, r"\b(\-?\+?\d+)\b|\b0[Xx][a-fA-F\d]+\b|\b[a-fA-F\d]{4,}\b"],
        0.2,
        6,
    ),
    "Apache": ([_IP], 0.5, 4),
    "BGL": ([r"core\.\d+"], 0.5, 4),
    "HDFS": ([r"blk_-?\d+", r"(\d+\.){3}\d+(:\d+)?"], 0.5, 4),
    "HPC": ([r"=\d+"], 0.5, 4),
    "Hadoop": ([_IP], 0.5, 4),
    "HealthApp": ([], 0.2, 4),
    "Linux": ([_IP, r"\d{2}:\d{2}:\d{2}"], 0.39, 6),
    "Mac": ([_DOTTED], 0.7, 6),
    "OpenSSH": ([_IP, _DOTTED], 0.6, 5),
    "OpenStack": ([r"((\d+\.){3}\d+,?)+", r"/.+?\s", r"\d+"], 0.5, 5),
    "Proxifier": ([r"<\d+\ssec", r"([\w-]+\.)+[\w-]+(:\d+)?", r"\d{2}:\d{2}(:\d{2})*", r"[KGTM]B"], 0.6, 3),
    "Spark": ([_IP, r"\b[KGTM]?B\b", _DOTTED], 0.5, 4),
    "Thunderbird": ([_IP], 0.5, 4),
    "Windows": ([r"0x.*?\s"], 0.7, 5),
    "Zookeeper": ([r"(/|)(\d+\.){3}\d+(:\d+)?"], 0.5, 4),
}

# Takes the messages of a set and its name; returns each message's group at the end, and that group's text.
Grouper = Callable[[list[str], str], list[tuple[Hashable, str]]]


@dataclass(frozen=True, slots=True)
class Messages:
    """One set: its messages and the true group of each."""

    name: str
    texts: list[str]
    truth: list[str]


def read_sets(folder: Path, corrected: bool) -> list[Messages]:
    """Read every set below ``folder``."""
    suffix = "_corrected" if corrected else ""
    paths = sorted(folder.glob(f"*/*_2k.log_structured{suffix}.csv"))
    if not paths:
        raise SystemExit(f"no */*_2k.log_structured{suffix}.csv in {folder}: name Loghub's folder")
    sets = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["Content"], row["EventId"]) for row in csv.DictReader(file)]
        sets.append(Messages(path.parent.name, [text for text, _ in rows], [event for _, event in rows]))
    return sets


def ours(texts: list[str], name: str) -> list[tuple[Hashable, str]]:
    """Group by the reducer's masks and tree."""
    from dspy_agent_core.logs.templates import TemplateTree

    tree = TemplateTree()
    found = [tree.add(text) for text in texts]
    return [(template.id, template.text) for template in found]


def masks_alone(texts: list[str], name: str) -> list[tuple[Hashable, str]]:
    """Group messages that are equal after masking."""
    return [(masked, masked) for masked in map(mask, texts)]


def drain3(masks: Iterable[tuple[str, str]] | Callable[[str], str], **settings: Any) -> Grouper:
    """Return a grouper by Drain3 after ``masks``."""
    replace = masks if callable(masks) else _replacer(masks)

    def group(texts: list[str], name: str) -> list[tuple[Hashable, str]]:
        from drain3.drain import Drain  # type: ignore[import-not-found, unused-ignore]

        drain = Drain(**settings)
        clusters = [drain.add_log_message(replace(text))[0] for text in texts]
        return [(cluster.cluster_id, cluster.get_template()) for cluster in clusters]

    return group


def drain3_tuned(texts: list[str], name: str) -> list[tuple[Hashable, str]]:
    """Group by Drain3 as LogPAI tunes Drain for this very set (its defaults for a set they don't know)."""
    patterns, similarity, depth = TUNED.get(name, ([], 0.4, 4))
    masks = [(pattern, "<*>") for pattern in patterns]
    return drain3(masks, sim_th=similarity, depth=depth)(texts, name)


def _replacer(masks: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    compiled = [(re.compile(pattern), name) for pattern, name in masks]

    def replace(text: str) -> str:
        for pattern, name in compiled:
            text = pattern.sub(name, text)
        return text

    return replace


GROUPERS: dict[str, Grouper] = {
    "ours": ours,
    "our masks alone": masks_alone,
    "Drain3, no masks": drain3(()),
    "Drain3, its example's masks": drain3(DRAIN3_EXAMPLE),
    "Drain3, our masks": drain3(mask),
    "Drain3, tuned per set": drain3_tuned,
}


def members(labels: Iterable[Hashable]) -> dict[Hashable, frozenset[int]]:
    """Return the positions of each label."""
    found: dict[Hashable, set[int]] = defaultdict(set)
    for position, label in enumerate(labels):
        found[label].add(position)
    return {label: frozenset(positions) for label, positions in found.items()}


def score(truth: Iterable[Hashable], predicted: Iterable[Hashable]) -> tuple[float, float]:
    """Return grouping accuracy and F1 of groups, each 0 to 1."""
    true_groups = set(members(truth).values())
    groups = set(members(predicted).values())
    right = true_groups & groups
    accuracy = sum(map(len, right)) / sum(map(len, true_groups))
    return accuracy, 2 * len(right) / (len(true_groups) + len(groups))


def explain(messages: Messages, grouper: Grouper, most: int = 12) -> None:
    """Print the largest true groups that were split or merged, with the groups that they fell into."""
    found = grouper(messages.texts, messages.name)
    text_of = dict(found)
    predicted = members(key for key, _ in found)
    wrong = [
        (event, places)
        for event, places in members(messages.truth).items()
        if places not in set(predicted.values())
    ]
    count = sum(len(places) for _, places in wrong)
    print(f"{messages.name}: {count} messages of {len(wrong)} groups are wrong")
    for event, places in sorted(wrong, key=lambda pair: -len(pair[1]))[:most]:
        first = messages.texts[min(places)]
        print(f"\n{event}: {len(places)} messages, such as {first[:200]!r}")
        parts = Counter(found[place][0] for place in places)
        for key, count in parts.most_common(6):
            others = Counter(messages.truth[place] for place in predicted[key] - places)
            mixed = f", with {sum(others.values())} of {', '.join(map(str, others))[:80]}" if others else ""
            print(f"  {count:>5}{mixed}: {text_of[key][:160]!r}")
        if len(parts) > 6:
            print(f"  … and {len(parts) - 6} more groups")


def measure(sets: list[Messages], groupers: dict[str, Grouper]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return accuracy and F1 of each grouper for each set."""
    results: dict[str, dict[str, tuple[float, float]]] = {}
    for name, grouper in groupers.items():
        results[name] = {}
        for messages in sets:
            keys = [key for key, _ in grouper(messages.texts, messages.name)]
            results[name][messages.name] = score(messages.truth, keys)
    return results


def show(results: dict[str, dict[str, tuple[float, float]]], index: int, title: str) -> None:
    """Print one table: sets down, groupers across."""
    names = list(results)
    sets = list(results[names[0]])
    print(f"\n{title}\n" + "\n".join(f"  [{number}] {name}" for number, name in enumerate(names)))
    print(f"{'':<16}" + "".join(f"{f'[{number}]':>8}" for number in range(len(names))))
    for name in sets:
        mark = "t" if name in TUNING else "h"
        print(f"{name:<14}{mark} " + "".join(f"{results[grouper][name][index]:>8.3f}" for grouper in names))
    for label, chosen in (
        ("mean, tuning (t)", [name for name in sets if name in TUNING]),
        ("mean, held out (h)", [name for name in sets if name not in TUNING]),
        ("mean", sets),
    ):
        if chosen:
            means = [statistics.mean(results[g][name][index] for name in chosen) for g in names]
            print(f"{label[:16]:<16}" + "".join(f"{mean:>8.3f}" for mean in means))


def available() -> dict[str, Grouper]:
    """Return the groupers whose programs are here."""
    try:
        version("drain3")
    except PackageNotFoundError:
        print("Drain3 is not here, so only ours is measured; add `--with drain3` to uv run", file=sys.stderr)
        return {name: grouper for name, grouper in GROUPERS.items() if "Drain3" not in name}
    return GROUPERS


def main() -> None:
    """Measure all groupers, or explain one set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--loghub", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--corrected", action="store_true", help="use the corrected templates")
    parser.add_argument("--note", default="", help="what the data is, for the results file")
    parser.add_argument("--explain", metavar="SET", help="print the worst groups of a set and write nothing")
    parser.add_argument("--grouper", choices=GROUPERS, default="ours", help="whose groups to explain")
    arguments = parser.parse_args()
    sets = read_sets(arguments.loghub, arguments.corrected)
    if arguments.explain:
        chosen = [messages for messages in sets if messages.name == arguments.explain]
        if not chosen:
            raise SystemExit(f"no set {arguments.explain}; there are {', '.join(m.name for m in sets)}")
        explain(chosen[0], GROUPERS[arguments.grouper])
        return
    results = measure(sets, available())
    show(results, 0, "grouping accuracy")
    show(results, 1, "F1 of groups")
    facts = {
        "data": arguments.note,
        "corrected": arguments.corrected,
        "drain3": version("drain3") if any("Drain3" in name for name in results) else None,
        "tuning": sorted(TUNING),
        "sets": {m.name: {"messages": len(m.texts), "groups": len(set(m.truth))} for m in sets},
        "accuracy_and_f1": {
            name: {of: [round(value, 4) for value in pair] for of, pair in by_set.items()}
            for name, by_set in results.items()
        },
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
