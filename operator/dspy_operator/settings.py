"""What the chart sets. One frozen object, read once from the environment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from dspy_operator import __version__

PREFIX: Final = "DSPY_OPERATOR_"


class InvalidSettings(ValueError):
    """A variable of the environment can't be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the operator; each field is read from ``DSPY_OPERATOR_<FIELD>`` in capitals.

    Args:
        agent_image: image of all containers that run our programs, where the spec names none.
        ollama_image: image of the model server where the spec names none.
        spark_image: image of the context job where its engine is Spark.
        image_pull_policy: pull policy of these containers.
        dns_namespace: where the cluster's DNS pods run; agents may reach port 53 there.
        cluster_domain: DNS suffix of Services.
        namespaces: namespaces to serve, separated by commas; empty: the whole cluster.
        operator_namespace: where the Lease lies.
        lease_name: name of the Lease.
        lease_seconds: how long a Lease is good without renewal.
        resync_seconds: seconds between two audits; more where an audit itself takes long.
        workers: reconciles that run at once.
        http_port: port of /healthz, /readyz and /metrics.
    """

    agent_image: str = f"dspy-agent:{__version__}"
    ollama_image: str = "ollama/ollama:0.24.0"
    spark_image: str = f"dspy-agent/spark:{__version__}"
    image_pull_policy: str = "IfNotPresent"
    dns_namespace: str = "kube-system"
    cluster_domain: str = "cluster.local"
    namespaces: tuple[str, ...] = ()
    operator_namespace: str = "default"
    lease_name: str = "dspy-operator"
    lease_seconds: float = 15.0
    resync_seconds: float = 60.0
    workers: int = 8
    http_port: int = 8080

    @property
    def renderer(self) -> str:
        """Who renders: the operator's version and a digest of the settings that shape children."""
        shaping = (
            self.agent_image,
            self.ollama_image,
            self.spark_image,
            self.image_pull_policy,
            self.dns_namespace,
            self.cluster_domain,
        )
        digest = hashlib.sha256("\n".join(shaping).encode()).hexdigest()[:10]
        return f"{__version__}-{digest}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings in ``environ``; a missing or empty variable leaves the default.

        Raises:
            InvalidSettings: a number is none, or is not above zero.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            variable = PREFIX + field.name.upper()
            text = environ.get(variable, "").strip()
            if text:
                values[field.name] = _convert(variable, text, type(field.default))
        return cls(**values)


def _convert(variable: str, text: str, kind: type) -> object:
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind is str:
        return text
    try:
        number = kind(text)
    except ValueError:
        raise InvalidSettings(f"{variable} must be a number, not {text!r}.") from None
    if not number > 0:
        raise InvalidSettings(f"{variable} must be above zero, not {text}.")
    return number
