"""Secrets in code: replaced by names before a model sees it, and put back in what the model wrote."""

from __future__ import annotations

import re
from typing import Final

from dspy_agent.model.data import without_secrets

_LITERAL: Final = re.compile(r"""(?P<quote>["'`])(?P<text>[^"'`\n]{8,4096})(?P=quote)""")
_NAMED: Final = re.compile(
    r"(?:password|passwd|secret|token|api_?key|private_?key|credential|auth)\w*[\"'\])]*\s*(?::[^=\n]{0,40})?"
    r"(?:=|:|=>|,|==|!=)\s*(?:[rbuf]{0,2})$",
    re.IGNORECASE,
)
_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----")
_MARK: Final = re.compile(r"SECRET_(\d{1,4})_HIDDEN")


class HiddenSecrets:
    """Hides the string literals of code that look like secrets, and knows them again."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def hide(self, code: str) -> str:
        """Return ``code`` with a name in the place of each secret."""
        code = _KEY.sub(lambda match: self._name(match[0]), code)
        return _LITERAL.sub(lambda match: self._hidden(match, code), code)

    def _hidden(self, match: re.Match[str], code: str) -> str:
        text, quote = match["text"], match["quote"]
        if any(map(str.isspace, text)) or not any(map(str.isdigit, text)) or _MARK.search(text):
            return match[0]
        before = code[max(0, match.start() - 120) : match.start()].rpartition("\n")[2]
        if _NAMED.search(before) or without_secrets(text) != text:
            return f"{quote}{self._name(text)}{quote}"
        return match[0]

    def _name(self, text: str) -> str:
        if text not in self._texts:
            self._texts.append(text)
        return f"SECRET_{self._texts.index(text)}_HIDDEN"

    def show(self, answer: str) -> str:
        """Return ``answer`` with the secrets in their places."""
        return _MARK.sub(self._shown, answer)

    def _shown(self, match: re.Match[str]) -> str:
        number = int(match[1])
        return self._texts[number] if number < len(self._texts) else match[0]
