"""Strategic merge of a user's partial pod onto ours: Kubernetes' rules for the lists of a pod.

Anything malformed is passed on as it is, for the API server to refuse in its own words.
"""

from __future__ import annotations

from typing import Any, Final

_MERGE_KEYS: Final = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
# Their items are unions: one of the same name takes the place of the whole item.
_REPLACED_WHOLE: Final = frozenset({"volumes", "env"})
_DIRECTIVE: Final = "$patch"


def merge(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``patch`` merged onto it; neither is changed.

    A null deletes a field. ``$patch: replace`` in a map, or in an item of a list, makes the patch take
    the place of the whole; ``$patch: delete`` in an item deletes that item, in a map all its fields.
    """
    directive = patch.get(_DIRECTIVE)
    fields = {key: value for key, value in patch.items() if key != _DIRECTIVE}
    if directive == "replace":
        return fields
    if directive == "delete":
        return {}
    result = dict(base)
    for key, value in fields.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            old = result.get(key)
            result[key] = merge(old if isinstance(old, dict) else {}, value)
        elif isinstance(value, list) and key in _MERGE_KEYS:
            old = result.get(key)
            result[key] = _merge_list(key, old if isinstance(old, list) else [], value)
        else:
            result[key] = value
    return result


def _merge_list(field: str, base: list[Any], patch: list[Any]) -> list[Any]:
    key = _MERGE_KEYS[field]
    if {_DIRECTIVE: "replace"} in patch:
        return [item for item in patch if item != {_DIRECTIVE: "replace"}]
    result = list(base)
    for item in patch:
        if not isinstance(item, dict):
            result.append(item)
            continue
        place = next(
            (
                index
                for index, old in enumerate(result)
                if isinstance(old, dict) and key in item and old.get(key) == item[key]
            ),
            None,
        )
        if item.get(_DIRECTIVE) == "delete":
            if place is not None:
                del result[place]
        elif place is None:
            result.append(merge({}, item))
        elif field in _REPLACED_WHOLE:
            result[place] = merge({}, item)
        else:
            result[place] = merge(result[place], item)
    return result
