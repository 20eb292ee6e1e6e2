"""What a workspace's pods may reach, in the words of Kubernetes' own NetworkPolicy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from dspy_operator.api.types import Model, ResourceName, cel, rule

Value = Annotated[str, Field(max_length=63)]


class Requirement(Model):
    """One requirement of a label selector."""

    key: ResourceName = Field(description="The label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="How to compare.")
    values: list[Value] | None = Field(None, max_length=16, description="The values.")


class Selector(Model):
    """A label selector; an empty one selects everything."""

    match_labels: dict[ResourceName, Value] | None = Field(None, max_length=16, description="Labels to have.")
    match_expressions: list[Requirement] | None = Field(None, max_length=16, description="More requirements.")


Cidr = Annotated[
    str,
    Field(
        min_length=1,
        max_length=49,
        json_schema_extra=cel(rule("isCIDR(self)", "must be a CIDR such as 10.0.0.0/8")),
    ),
]


class IPBlock(Model):
    """A range of addresses."""

    cidr: Cidr = Field(description="The range.")
    except_: list[Cidr] | None = Field(
        None, alias="except", max_length=16, description="Ranges inside it that stay closed."
    )


class Peer(Model):
    """Whom pods may reach."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            rule(
                "has(self.ipBlock) != (has(self.namespaceSelector) || has(self.podSelector))",
                "either ipBlock or selectors must be set",
            )
        )
    )
    ip_block: IPBlock | None = Field(None, description="A range of addresses.")
    namespace_selector: Selector | None = Field(None, description="Namespaces; this one where left out.")
    pod_selector: Selector | None = Field(None, description="Pods in them; all where left out.")


class PolicyPort(Model):
    """A port, or a range of ports, of the pods that are reached."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            rule("!has(self.endPort) || has(self.port)", "endPort needs port"),
            rule(
                "!has(self.endPort) || !has(self.port) || self.endPort >= self.port",
                "endPort must not be below port",
            ),
        )
    )
    protocol: Literal["TCP", "UDP", "SCTP"] = Field("TCP", description="The protocol.")
    port: int | None = Field(None, ge=1, le=65535, description="The port; all where it is left out.")
    end_port: int | None = Field(None, ge=1, le=65535, description="Last port of a range.")


class EgressRule(Model):
    """One way out."""

    to: list[Peer] | None = Field(None, max_length=32, description="Whom; everyone where it is left out.")
    ports: list[PolicyPort] | None = Field(
        None, max_length=32, description="On which ports; all where it is left out."
    )


class NetworkPolicySpec(Model):
    """What the pods may reach."""

    management: Literal["Managed", "Unmanaged"] = Field(
        "Managed", description="Unmanaged: the operator makes no NetworkPolicy."
    )
    egress: list[EgressRule] | None = Field(
        None,
        max_length=32,
        description="Ways out of the pods of agent and streams besides DNS, source, model and Kafka,"
        " as in a NetworkPolicy (`port` is the port of the pod that is reached).",
    )
