"""Building blocks of both resources: bounded scalars, CEL rules and the shapes that Kubernetes users know.

The API server checks patterns by CEL, so that a refusal is a sentence; pydantic checks types and
bounds and fills in defaults. Both come from these declarations.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

RULES = "x-kubernetes-validations"
EXACTLY_ONE = "exactly one of"  # how the rule of a union begins


def rule(expression: str, message: str) -> dict[str, Any]:
    """Return one CEL rule; ``message`` is the sentence that a user sees."""
    return {"rule": expression, "message": message}


def cel(*rules: dict[str, Any], **schema: Any) -> dict[str, Any]:
    """Return a ``json_schema_extra`` with CEL rules and more schema keywords."""
    return {RULES: list(rules), **schema}


def exactly_one(*names: str) -> dict[str, Any]:
    """Return the rule that exactly one of the fields is set."""
    count = " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in names)
    return rule(f"{count} == 1", f"{EXACTLY_ONE} {', '.join(names)} must be set")


def _matching(pattern: str, message: str) -> dict[str, Any]:
    return cel(rule(f"self.matches(r'{pattern}')", message))


def _text(longest: int, pattern: str, message: str) -> Any:
    return Field(min_length=1, max_length=longest, json_schema_extra=_matching(pattern, message))


class Model(BaseModel):
    """Base of all specs: camelCase names, frozen; unknown fields are the API server's business."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_SUBDOMAIN = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"

ObjectName = Annotated[
    str, _text(253, _SUBDOMAIN, "must be a name of lower-case letters, digits, '-' and '.'")
]
Label = Annotated[str, _text(63, _LABEL, "must be a name of lower-case letters, digits and '-'")]
Key = Annotated[str, _text(253, "^[-._a-zA-Z0-9]+$", "must be a key of letters, digits, '-', '_' and '.'")]
Image = Annotated[str, _text(512, r"^\S+$", "must be an image reference without spaces")]
Word = Annotated[str, _text(512, r"^\S+$", "must be one word without spaces")]
HttpUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        json_schema_extra=cel(
            rule(r"self.matches(r'^https?://[^\s/]+\S*$')", "must be an http:// or https:// URL"),
            rule(r"!self.matches(r'^https?://[^/]*@')", "must not hold a user or a password: use a Secret"),
        ),
    ),
]
Quantity = Annotated[
    int | str,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            RULES: [
                rule(
                    "type(self) == string ? isQuantity(string(self)) : true",
                    "must be a quantity such as 500m, 2 or 10Gi",
                ),
            ],
        }
    ),
]
_GROWING = rule(
    "!isQuantity(string(self)) || !isQuantity(string(oldSelf))"
    " || quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",
    "may only grow: volumes can't shrink",
)
Size = Annotated[
    int | str,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            RULES: [
                rule(
                    "isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0'))",
                    "must be a quantity above zero such as 500Mi or 10Gi",
                ),
                _GROWING,
            ],
        }
    ),
]


class Empty(Model):
    """A choice without settings."""


class LocalRef(Model):
    """An object of the same namespace, by name."""

    name: ObjectName = Field(description="Name of the object.")


class KeySelector(Model):
    """A key of a Secret or ConfigMap of the same namespace."""

    name: ObjectName = Field(description="Name of the object.")
    key: Key = Field(description="The key in it.")
    optional: bool | None = Field(None, description="Whether the object or its key may be missing.")


class FieldSelector(Model):
    """A field of the pod."""

    api_version: Word | None = Field(None, description="API version of the path; v1 by default.")
    field_path: Word = Field(description="Path of the field, such as metadata.name.")


class ResourceFieldSelector(Model):
    """A resource of a container."""

    container_name: Label | None = Field(None, description="Name of the container.")
    resource: Word = Field(description="The resource, such as limits.memory.")
    divisor: Quantity | None = Field(None, description="Unit of the value; 1 by default.")


class EnvVarSource(Model):
    """Where a variable's value comes from: exactly one."""

    model_config = ConfigDict(
        json_schema_extra=cel(exactly_one("secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef"))
    )
    secret_key_ref: KeySelector | None = Field(None, description="A key of a Secret.")
    config_map_key_ref: KeySelector | None = Field(None, description="A key of a ConfigMap.")
    field_ref: FieldSelector | None = Field(None, description="A field of the pod.")
    resource_field_ref: ResourceFieldSelector | None = Field(
        None, description="A resource of a container of the pod."
    )


class EnvVar(Model):
    """One variable."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            rule("!(has(self.value) && has(self.valueFrom))", "value and valueFrom can't both be set")
        )
    )
    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=256,
            json_schema_extra=_matching(
                "^[-._a-zA-Z][-._a-zA-Z0-9]*$", "must be a name of letters, digits, '_', '-' and '.'"
            ),
        ),
    ] = Field(description="Name of the variable.")
    value: str | None = Field(None, max_length=8192, description="Its value.")
    value_from: EnvVarSource | None = Field(None, description="Where its value comes from.")


class OptionalRef(LocalRef):
    """A ConfigMap or Secret of the same namespace that may be missing."""

    optional: bool | None = Field(None, description="Whether the object may be missing.")


class EnvFrom(Model):
    """All keys of one ConfigMap or Secret as variables."""

    model_config = ConfigDict(json_schema_extra=cel(exactly_one("configMapRef", "secretRef")))
    prefix: str | None = Field(None, max_length=128, description="Put before each key.")
    config_map_ref: OptionalRef | None = Field(None, description="The ConfigMap.")
    secret_ref: OptionalRef | None = Field(None, description="The Secret.")


ResourceName = Annotated[str, Field(max_length=253)]


class Resources(Model):
    """What a container may use, as in a pod."""

    requests: dict[ResourceName, Quantity] | None = Field(
        None, max_length=16, description="What the scheduler keeps for it."
    )
    limits: dict[ResourceName, Quantity] | None = Field(
        None, max_length=16, description="What it can't exceed."
    )


_FREE_OBJECT: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


class TemplateMetadata(Model):
    """Labels and annotations to add; the operator's own win."""

    labels: dict[ResourceName, Annotated[str, Field(max_length=63)]] | None = Field(
        None, max_length=64, description="Labels to add."
    )
    annotations: dict[ResourceName, Annotated[str, Field(max_length=8192)]] | None = Field(
        None, max_length=64, description="Annotations to add."
    )


class Template(Model):
    """A partial pod that is merged onto the operator's, strategically."""

    metadata: TemplateMetadata | None = Field(None, description="Labels and annotations of the pod.")
    spec: dict[str, Any] | None = Field(
        None,
        description="A partial PodSpec: maps are merged, lists by name (or mountPath, containerPort, …);"
        " `$patch: delete` and `$patch: replace` are understood.",
        json_schema_extra=_FREE_OBJECT,
    )
