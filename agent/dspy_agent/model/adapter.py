"""The DSPy adapter: short prompts for small models, answers by a JSON schema, every answer parsed or refused.

The schema is sent with each question, and its shape is told in a few words too: a model that is held to a
grammar still has to know what is meant, and one whose server ignores the schema has nothing else. What
comes back is repaired and made to fit. If fields are still missing, the model is asked once more; then they
are left empty, if anything of the answer can be used and they may be empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import dspy
from dspy import lm15
from dspy.adapters.utils import apply_output_field_defaults, format_field_value, serialize_for_json

from dspy_agent.model import errors
from dspy_agent.model.parse import blanks_of, fields_of
from dspy_agent.model.schema import answer_schema, field_schema, in_words

_ATTEMPTS: Final = 2
_OTHER_TEMPERATURE: Final = 0.7  # the same question would get the same answer


class SchemaAdapter(dspy.Adapter):  # type: ignore[misc]  # dspy has no types
    """Asks for the output fields of a signature as one JSON object."""

    def __init__(self, *, keeps_schema: bool = True) -> None:
        super().__init__()
        self._keeps_schema = keeps_schema

    def __call__(
        self,
        lm: Any,
        lm_kwargs: dict[str, Any],
        signature: Any,
        demos: list[dict[str, Any]],
        inputs: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Return the output fields of one answer, or of ``n`` of them. Raises ModelError."""
        wanted = {**lm.kwargs, **lm_kwargs}
        messages = self.format(signature, demos, inputs)
        return [self._answer(lm, wanted, signature, messages) for _ in range(wanted.get("n") or 1)]

    def _answer(
        self, lm: Any, wanted: Mapping[str, Any], signature: Any, messages: list[dict[str, Any]]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for attempt in range(_ATTEMPTS):
            response = lm(self._request(lm.model, wanted, signature, messages, attempt))
            values = self.parse(signature, response.text or "") | values
            answer: dict[str, Any] = apply_output_field_defaults(signature, values)
            if answer.keys() == signature.output_fields.keys():
                return answer
        missing = [name for name in signature.output_fields if name not in answer]
        if values:
            answer |= blanks_of(signature, missing)
            missing = [name for name in missing if name not in answer]
        if missing:
            raise errors.unusable(lm.model, f"it lacks {', '.join(missing)}")
        return {name: answer[name] for name in signature.output_fields}

    def _request(
        self,
        model: str,
        wanted: Mapping[str, Any],
        signature: Any,
        messages: list[dict[str, Any]],
        attempt: int,
    ) -> lm15.Request:
        seed = wanted.get("seed")
        form = {"type": "json_schema", "schema": answer_schema(signature)}
        config = lm15.Config(
            max_tokens=wanted.get("max_tokens"),
            temperature=_OTHER_TEMPERATURE if attempt else wanted.get("temperature"),
            seed=None if seed is None else seed + attempt,
            response_format=form if self._keeps_schema else None,
        )
        makers = {"user": lm15.Message.user, "assistant": lm15.Message.assistant}
        system, *turns = messages
        said = tuple(makers[one["role"]](one["content"]) for one in turns)
        return lm15.Request(model=model, messages=said, system=system["content"], config=config)

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
        """Return the output fields that can be read from ``completion``."""
        return fields_of(signature, completion)


def _system(signature: Any) -> str:
    lines = [signature.instructions.strip(), "", "Answer with one JSON object and nothing else:"]
    for name, field in signature.output_fields.items():
        told = (field.json_schema_extra or {}).get("desc", "")
        meant = f" ({told})" if told and told != f"${{{name}}}" else ""
        lines.append(f"- {name}: {in_words(field_schema(field))}{meant}")
    return "\n".join(lines)


def _user(signature: Any, inputs: Mapping[str, Any]) -> str:
    fields = signature.input_fields
    given = [name for name in fields if name in inputs]
    return (
        "\n\n".join(f"# {name}\n{format_field_value(fields[name], inputs[name])}" for name in given)
        or "Begin."
    )
