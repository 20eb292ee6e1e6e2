"""Quantities by value."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_operator import quantity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.5", "500m"),
        ("1Gi", "1024Mi"),
        ("1e3", "1k"),
        (2, "2"),
        (".5", "0.5"),
        ("1000000u", "1"),
        ("1.5Gi", "1536Mi"),
    ],
)
def test_equal(one: str | int, other: str) -> None:
    assert quantity.same(one, other)


@pytest.mark.parametrize(("one", "other"), [("1G", "1Gi"), ("1", "1m"), ("x", "1"), (None, "1"), ({}, "1")])
def test_different(one: object, other: object) -> None:
    assert not quantity.same(one, other)


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert quantity.parse(text).is_finite()


def test_largest_keeps_its_words() -> None:
    assert quantity.largest("1Gi", "500Mi", "1100Mi") == "1100Mi"
