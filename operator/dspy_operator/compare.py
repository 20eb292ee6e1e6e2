"""Is what we want already there? The test that keeps an idle operator from writing."""

from __future__ import annotations

from typing import Any, Final

ANNOTATION_RENDERED: Final = "dspy.dev/rendered"  # hash of the desired body
ANNOTATION_RENDERED_FOR: Final = "dspy.dev/rendered-for"  # workspace generation, refresh, suspension
ANNOTATION_RENDERED_BY: Final = "dspy.dev/rendered-by"  # Settings.renderer


def matches(desired: dict[str, Any], live: dict[str, Any]) -> bool:
    """Whether ``live`` holds all that ``desired`` says.

    Maps are compared by key, lists of maps by their merge key, other lists whole, quantities by
    value. Fields that only ``live`` has are somebody else's.
    """
    raise NotImplementedError
