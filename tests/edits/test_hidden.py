"""Secrets of code are hidden from a model, and are put back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.edits.hidden import HiddenSecrets


@pytest.mark.parametrize(
    "secret",
    [
        'api_key = "abcd1234efgh"',
        "headers['Authorization'] = 'Bearer0123456789abc'",
        'connect("postgres://me:pa55word@db/x1")',
        'x = "ghp_0123456789abcdefghijABCDEFGHIJ012345"',
        'KEY = """-----BEGIN RSA PRIVATE KEY-----\nMIIE0\n-----END RSA PRIVATE KEY-----"""',
    ],
)
def test_what_is_hidden(secret: str) -> None:
    hidden = HiddenSecrets()
    shown = hidden.hide(f"a = 1\n{secret}\n")
    assert "SECRET_0_HIDDEN" in shown
    assert hidden.show(shown) == f"a = 1\n{secret}\n"


@pytest.mark.parametrize(
    "code",
    [
        'raise ValueError("the password must have 8 characters")',
        "token = next_token(line)",
        "def login(password: str, token: str = None): ...",
        'token = "identifier"',
        'KINDS = ("token", "cookie", "secret_3")',
    ],
)
def test_what_stays(code: str) -> None:
    assert HiddenSecrets().hide(code) == code


@given(st.text(alphabet="abk_= \"'12\n-:", max_size=120))
def test_all_comes_back(code: str) -> None:
    hidden = HiddenSecrets()
    assert hidden.show(hidden.hide(code)) == code
