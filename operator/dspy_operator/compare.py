"""Is what we want already there? The test that keeps an idle operator from writing.

The API server fills in defaults, drops empty values and rewrites quantities, so equality won't do.
"""

from __future__ import annotations

from typing import Any, Final

from dspy_operator import quantity

ANNOTATION_RENDERED: Final = "dspy.dev/rendered"  # hash of the desired body
ANNOTATION_RENDERED_FOR: Final = "dspy.dev/rendered-for"  # workspace generation, refresh, suspension
ANNOTATION_RENDERED_BY: Final = "dspy.dev/rendered-by"  # Settings.renderer

# Merge keys of lists of maps, in the order in which they are tried.
_MERGE_KEYS: Final = ("name", "mountPath", "containerPort", "port", "uid", "ip", "topologyKey", "devicePath")
# Maps and fields whose values are quantities.
_QUANTITIES: Final = frozenset({"requests", "limits", "overhead", "sizeLimit", "divisor"})
# Fields without a pointer in Kubernetes' types: the API server leaves out their zero value.
_ZERO_IS_ABSENT: Final = frozenset(
    {
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "initialDelaySeconds",
        "minReadySeconds",
        "paused",
        "publishNotReadyAddresses",
        "readOnly",
        "stdin",
        "stdinOnce",
        "tty",
    }
)


def matches(desired: dict[str, Any], live: dict[str, Any]) -> bool:
    """Whether ``live`` holds all that ``desired`` says.

    Maps are compared by key, lists of maps by their merge key, other lists whole, quantities by
    value. Fields that only ``live`` has are somebody else's.
    """
    for key, wanted in desired.items():
        if key not in live:
            if not _may_be_absent(key, wanted):
                return False
        elif not _same(key, wanted, live[key]):
            return False
    return True


def _may_be_absent(key: str, wanted: Any) -> bool:
    if isinstance(wanted, bool | int):
        return not wanted and key in _ZERO_IS_ABSENT
    return not wanted and not isinstance(wanted, float)


def _same(key: str, wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return found is None and not wanted
        if key in _QUANTITIES:
            return all(name in found and quantity.same(value, found[name]) for name, value in wanted.items())
        return wanted == found or matches(wanted, found)
    if isinstance(wanted, list):
        return isinstance(found, list) and (wanted == found or _same_list(key, wanted, found))
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if key in _QUANTITIES:
        return quantity.same(wanted, found)
    return bool(wanted == found)


def _same_list(key: str, wanted: list[Any], found: list[Any]) -> bool:
    merge_key = _merge_key(wanted, found)
    if merge_key is None:
        return len(wanted) == len(found) and all(map(_same, [key] * len(wanted), wanted, found))
    by_key = {item[merge_key]: item for item in found}
    return all(item[merge_key] in by_key and matches(item, by_key[item[merge_key]]) for item in wanted)


def _merge_key(wanted: list[Any], found: list[Any]) -> str | None:
    """The key that tells all items of both lists apart, or None where the list is compared whole."""
    if not found or not all(isinstance(item, dict) for item in (*wanted, *found)):
        return None
    for name in _MERGE_KEYS:
        if all(name in item for item in found) and all(name in item for item in wanted):
            return name if _distinct(wanted, name) and _distinct(found, name) else None
    return None


def _distinct(items: list[dict[str, Any]], name: str) -> bool:
    return len({item[name] for item in items}) == len(items)
