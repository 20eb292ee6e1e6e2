"""Kubernetes quantities by value: ``0.5`` is ``500m``, ``1Gi`` is ``1024Mi``."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

_UNITS: Final = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
_FORM: Final = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII
)


@lru_cache(maxsize=1024)
def parse(text: str | int | float) -> Decimal:
    """Return the value of a quantity.

    Raises:
        ValueError: ``text`` is no quantity.
    """
    form = _FORM.fullmatch(str(text))
    if form is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, exponent, unit = form.groups()
    return Decimal(number + (exponent or "")) * _UNITS[unit or ""]


def same(one: object, other: object) -> bool:
    """Whether two quantities have one value; things that are no quantities are compared as they are."""
    if one == other:
        return True
    try:
        return parse(one) == parse(other)
    except (ValueError, TypeError):
        return False


def largest(*texts: str | int) -> str:
    """Return the largest quantity, as it was written."""
    return str(max(texts, key=parse))
