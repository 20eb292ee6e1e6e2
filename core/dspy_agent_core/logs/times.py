"""Reads the time at the start of a log line, in the formats that programs write."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = "|".join(MONTHS)

ISO = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s?(?:Z|UTC\b|[+-]\d\d:?\d\d\b))?"
_PARTS = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
# What most lines start with. Nothing may follow that `_TIME` would take for a part of it.
_PLAIN = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)?(?= [^ZU+-])", re.ASCII
)
_TIME = re.compile(
    rf"""[\[(]?(?:
      (?P<iso>{ISO})
    | (?P<day>\d{{1,2}})[\ /-](?P<mon>{_MONTH})[\ /-](?P<year>\d{{4}})[:\ ]
      (?P<clock>\d\d:\d\d:\d\d(?:[.,]\d+)?)(?P<zone>\ [+-]\d{{4}}|\ UTC)?
    | (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?(?P<mon2>{_MONTH})\ +
      (?P<day2>\d{{1,2}})\ (?P<clock2>\d\d:\d\d:\d\d(?:[.,]\d+)?)(?:\ (?P<year2>\d{{4}}))?
    | (?P<short>\d\d/\d\d/\d\d\ \d\d:\d\d:\d\d)
    | (?P<only>\d\d:\d\d:\d\d[.,]\d{{3,6}})
    )[\])]?(?![\d:])""",
    re.VERBOSE,
)


class Stamp(NamedTuple):
    """A time of a log: ``iso`` for people, ``epoch`` in seconds (a time without zone counts as UTC)."""

    iso: str
    epoch: float


def match_time(text: str, year: int | None = None) -> tuple[Stamp | None, int]:
    """Return the time that ``text`` starts with and where it ends; ``(None, 0)`` if there is none.

    A time of day alone ends past 0 without a stamp. ``year`` completes dates that have none.
    """
    if match := _PLAIN.match(text):
        return _read(*match.groups("")), match.end()
    match = _TIME.match(text)
    if match is None:
        return None, 0
    if match["iso"]:
        return parse_iso(match["iso"]), match.end()
    if match["mon"]:
        zone = (match["zone"] or "").strip()
        month = MONTHS.index(match["mon"]) + 1
        return _build(match["year"], month, match["day"], match["clock"], zone), match.end()
    group = match.groupdict()
    if group["mon2"]:
        month = MONTHS.index(group["mon2"]) + 1
        found = group["year2"] or (str(year) if year else None)
        stamp = _build(found, month, group["day2"], group["clock2"], "") if found else None
        return stamp, match.end()
    if group["short"]:  # log4j's yy/MM/dd
        date, clock = group["short"].split(" ")
        short_year, short_month, day = date.split("/")
        return _build(f"20{short_year}", int(short_month), day, clock, ""), match.end()
    return None, match.end()


def parse_iso(text: str) -> Stamp | None:
    """Return the ISO 8601 time in ``text``, or None."""
    parts = _PARTS.fullmatch(text)
    return _read(*parts.groups("")) if parts else _parse(text)


def _read(second: str, fraction: str, zone: str) -> Stamp | None:
    whole = _whole_second(second + zone)
    if whole is None or not fraction:
        return whole
    digits = f"{fraction:0<6.6}"
    micros = int(digits)
    if not micros:
        return whole
    iso = whole.iso
    return Stamp(f"{iso[:19]}.{digits}{iso[19:]}", (int(whole.epoch) * 1_000_000 + micros) / 1_000_000)


@lru_cache(maxsize=1024)
def _whole_second(text: str) -> Stamp | None:
    """Return the time without a fraction: the lines of one second share it."""
    return _parse(text)


def _parse(text: str) -> Stamp | None:
    try:
        return _stamp(datetime.fromisoformat(text))
    except ValueError:
        pass
    cleaned = text.replace("/", "-").replace(",", ".").replace(" UTC", "Z").strip()
    try:
        return _stamp(datetime.fromisoformat(cleaned))
    except ValueError:
        try:
            return _stamp(datetime.fromisoformat(cleaned.replace(" +", "+").replace(" -", "-")))
        except ValueError:
            return None


def from_epoch(value: float) -> Stamp | None:
    """Return the time of an epoch in seconds, milliseconds, microseconds or nanoseconds."""
    while value > 1e11:
        value /= 1000
    if value < 1e8:
        return None
    return _stamp(datetime.fromtimestamp(value, UTC))


def _build(year: str, month: int, day: str, clock: str, zone: str) -> Stamp | None:
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return parse_iso(f"{year}-{month:02}-{int(day):02}T{clock}{zone}")


def _stamp(moment: datetime) -> Stamp | None:
    try:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        iso = moment.isoformat().replace("+00:00", "Z")
        return Stamp(iso, aware.timestamp())
    except (OverflowError, ValueError):
        return None
