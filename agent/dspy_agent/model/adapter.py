"""The DSPy adapter: short prompts for small models, answers by a JSON schema, every answer parsed or refused.

The schema is sent with each question; a server that can't keep to it is told its shape in words, and the
answer is repaired. If fields are still missing, the model is asked once more.
"""

from __future__ import annotations

import json
from typing import Any

import dspy
from dspy.adapters.utils import apply_output_field_defaults, format_field_value, serialize_for_json
from dspy.lm15 import Config, Request
from dspy.lm15 import Message as DspyMessage

from dspy_agent.model.parse import fields_of
from dspy_agent.model.schema import answer_schema
from dspy_agent_core.errors import ModelError


class SchemaAdapter(dspy.Adapter):  # type: ignore[misc]  # dspy has no types
    """Asks for the output fields of a signature as one JSON object."""

    def __call__(
        self,
        lm: Any,
        lm_kwargs: dict[str, Any],
        signature: Any,
        demos: list[dict[str, Any]],
        inputs: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Return the output fields of one answer, or of ``n`` of them. Raises ModelError."""
        settings = {**lm.kwargs, **lm_kwargs}
        return [
            self._answer(lm, settings, signature, self.format(signature, demos, inputs))
            for _ in range(settings.get("n") or 1)
        ]

    def _answer(
        self, lm: Any, settings: dict[str, Any], signature: Any, messages: list[dict[str, Any]]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for attempt in range(2):
            text = lm(_request(lm.model, settings, signature, messages, attempt)).text or ""
            values = fields_of(signature, text) | values
            complete: dict[str, Any] = apply_output_field_defaults(signature, values)
            if complete.keys() == signature.output_fields.keys():
                return complete
        missing = [name for name in signature.output_fields if name not in values]
        raise ModelError(
            f"The answer of {lm.model} can't be used: it lacks {', '.join(missing)}.",
            code="ModelAnswer",
            next="Try again, or a larger model.",
        )

    def format(
        self, signature: Any, demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Return the messages: what to do, examples, and the input."""
        messages = [{"role": "system", "content": _system(signature)}]
        for demo in demos:
            if all(name in demo for name in signature.output_fields):
                answer = {name: serialize_for_json(demo[name]) for name in signature.output_fields}
                messages.append({"role": "user", "content": _user(signature, demo)})
                messages.append({"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)})
        messages.append({"role": "user", "content": _user(signature, inputs)})
        return messages

    def parse(self, signature: Any, completion: str) -> dict[str, Any]:
        """Return what can be read from ``completion``."""
        return fields_of(signature, completion)


def _system(signature: Any) -> str:
    lines = [signature.instructions.strip(), "", "Answer with one JSON object:"]
    for name, field in signature.output_fields.items():
        desc = (field.json_schema_extra or {}).get("desc", "")
        shown = "" if desc == f"${{{name}}}" else f": {desc}"
        lines.append(f"- {name}{shown}")
    return "\n".join(lines)


def _user(signature: Any, inputs: dict[str, Any]) -> str:
    parts = [
        f"# {name}\n{format_field_value(field, inputs[name])}"
        for name, field in signature.input_fields.items()
        if name in inputs
    ]
    return "\n\n".join(parts)


def _request(
    model: str, settings: dict[str, Any], signature: Any, messages: list[dict[str, Any]], attempt: int
) -> Request:
    seed = settings.get("seed")
    config = Config(
        max_tokens=settings.get("max_tokens"),
        temperature=settings.get("temperature") if not attempt else 0.7,
        seed=None if seed is None else seed + attempt,
        response_format={"type": "json_schema", "schema": answer_schema(signature)},
    )
    makers = {"user": DspyMessage.user, "assistant": DspyMessage.assistant}
    turns = tuple(makers[one["role"]](one["content"]) for one in messages[1:])
    return Request(model=model, messages=turns, system=messages[0]["content"], config=config)
