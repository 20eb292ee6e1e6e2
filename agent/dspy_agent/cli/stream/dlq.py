"""``stream dlq``: list, show and replay the records that could not be used."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dspy_agent.cli.output import print_json
from dspy_agent.cli.stream.common import AppsOption, BootstrapOption, ConfigOption, JsonOption, PrefixOption

if TYPE_CHECKING:
    from dspy_agent.streams.letter_box import Kept, LetterBox

_LIST = """$ dspy-agent stream dlq list --app web"""
_SHOW = """$ dspy-agent stream dlq show logs.raw.web 12

$ dspy-agent stream dlq show logs.raw.web --hex"""
_REPLAY = """$ dspy-agent stream dlq replay logs.raw.web --reason UnknownVersion

$ dspy-agent stream dlq replay --all"""

_Topic = Annotated[
    str | None,
    typer.Argument(metavar="[TOPIC]", show_default=False, help="The topic that the records came from."),
]


def register(group: typer.Typer) -> None:
    """Add the commands to ``group``."""
    dlq = typer.Typer(
        name="dlq",
        help="Records that could not be used: <topic>.dlq.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    dlq.command("list", epilog=_LIST)(list_letters)
    dlq.command("show", epilog=_SHOW)(show)
    dlq.command("replay", epilog=_REPLAY)(replay)
    group.add_typer(dlq)


def list_letters(
    topic: _Topic = None,
    apps: AppsOption = None,
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    kafka_config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Count the dead letters of each topic by reason; exit code 1 if there are none."""
    with _box(apps, bootstrap, prefix, kafka_config) as box:
        found = [_count(box, name) for name in box.topics(topic)]
    total = sum(item["letters"] for item in found)
    if as_json:
        print_json({"topics": found})
    elif total:
        some = [item for item in found if item["letters"]]
        width = max(len(item["topic"]) for item in some)
        sys.stdout.write(f"{'TOPIC':<{width}}  LETTERS  REPLAYED  REASONS\n")
        for item in some:
            reasons = ", ".join(f"{reason} {count}" for reason, count in item["reasons"].items())
            sys.stdout.write(
                f"{item['topic']:<{width}}  {item['letters']:>7}  {item['replayed']:>8}  {reasons}\n"
            )
    if not total:
        sys.stderr.write("No dead letters.\n")
    return 0 if total else 1


def show(
    topic: Annotated[str, typer.Argument(show_default=False, help="The topic that the record came from.")],
    offset: Annotated[
        int | None,
        typer.Argument(
            metavar="[OFFSET]", show_default=False, help="Offset in the .dlq topic; default: the last."
        ),
    ] = None,
    as_hex: Annotated[bool, typer.Option("--hex", help="Show the value's bytes in hexadecimal.")] = False,
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    kafka_config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show one dead letter: why it is there, where it came from, its key, headers and bytes."""
    from dspy_agent.streams.letter_words import facts, words
    from dspy_agent_core.errors import UsageError

    chosen: Kept | None = None
    with _box(None, bootstrap, prefix, kafka_config) as box:
        for name in box.topics(topic):
            for kept in box.letters(name):
                if offset is None or kept.offset == offset:
                    chosen = kept
    if chosen is None:
        raise UsageError(
            f"There is no dead letter {'' if offset is None else f'at offset {offset} '}of {topic}.",
            code="LetterNotFound",
            next=f"See how many there are: dspy-agent stream dlq list {topic}",
        )
    if as_json:
        print_json(facts(chosen))
    else:
        sys.stdout.write(words(chosen, as_hex=as_hex))
    return 0


def replay(
    topic: _Topic = None,
    everything: Annotated[bool, typer.Option("--all", help="Of all topics.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", show_default=False, help="Only those with this reason.")
    ] = None,
    offset: Annotated[
        int | None,
        typer.Option(
            "--offset", min=0, show_default=False, help="Only the one at this offset of the .dlq topic."
        ),
    ] = None,
    apps: AppsOption = None,
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    kafka_config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Send dead letters back to where they came from: same bytes, key, headers and partition.

    What was sent back is remembered and not sent again. Exit code 1 if there was nothing to send.
    """
    from dspy_agent.streams.letter_box import Replayed
    from dspy_agent_core.errors import UsageError

    if topic is None and not everything:
        raise UsageError("No topic is named.", code="BadUsage", next="Name one, or say --all.")
    if offset is not None and topic is None:
        raise UsageError("--offset needs a topic.", code="BadUsage", next="Name the topic.")
    done = Replayed()

    def chosen(kept: Kept) -> bool:
        return (reason is None or kept.reason == reason) and (offset is None or kept.offset == offset)

    with _box(apps, bootstrap, prefix, kafka_config) as box:
        for name in box.topics(topic):
            box.replay(name, chosen, done)
    for kept in done.left:
        sys.stderr.write(f"left: {kept.topic} {kept.offset}: {kept.hindrance}\n")
    if as_json:
        left = [{"topic": one.topic, "offset": one.offset, "why": one.hindrance} for one in done.left]
        print_json({"replayed": sum(done.sent.values()), "topics": done.sent, "left": left})
    else:
        for name, count in done.sent.items():
            sys.stdout.write(f"{name}: {count} sent back\n")
    if not done.sent:
        sys.stderr.write("Nothing was sent back.\n")
    return 0 if done.sent else 1


def _count(box: LetterBox, topic: str) -> dict[str, Any]:
    reasons: Counter[str] = Counter()
    replayed = 0
    for kept in box.letters(topic):
        reasons[kept.reason] += 1
        replayed += kept.replayed
    return {
        "topic": topic,
        "letters": reasons.total(),
        "replayed": replayed,
        "reasons": dict(reasons.most_common()),
    }


def _box(apps: list[str] | None, bootstrap: str | None, prefix: str, kafka_config: Any) -> LetterBox:
    from dspy_agent.streams.letter_box import LetterBox
    from dspy_agent_core.streams.settings import stream_settings

    return LetterBox(stream_settings(bootstrap, prefix, tuple(apps or ()), kafka_config))
