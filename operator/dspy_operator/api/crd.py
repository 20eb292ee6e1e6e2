"""Both CustomResourceDefinitions, made from the models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from dspy_agent_core.contracts.cluster import GROUP, VERSION
from dspy_operator.api.schema import structural
from dspy_operator.api.status import TrainingJobStatus, WorkspaceStatus
from dspy_operator.api.training_job import TrainingJobSpec
from dspy_operator.api.types import RULES, rule
from dspy_operator.api.workspace import WorkspaceSpec

_NAME_RULES: Final = [
    rule("self.metadata.name.size() <= 40", "the name must not be longer than 40 characters"),
    rule(
        "self.metadata.name.matches(r'^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "the name must start with a letter and hold only lower-case letters, digits and '-'",
    ),
]


def _condition(kind: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


@dataclass(frozen=True, slots=True)
class Resource:
    """One custom resource: its names, models, printer columns (name, type, path) and scale paths."""

    kind: str
    plural: str
    short: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[tuple[str, str, str], ...]
    scale: dict[str, str] | None = None

    @property
    def file(self) -> str:
        """Name of the generated file in ``crds/``."""
        return f"{GROUP}_{self.plural}.yaml"


RESOURCES: Final = (
    Resource(
        kind="AgentWorkspace",
        plural="agentworkspaces",
        short="agws",
        spec=WorkspaceSpec,
        status=WorkspaceStatus,
        columns=(
            ("Ready", "string", _condition("Ready", "status")),
            ("Reason", "string", _condition("Ready", "reason")),
            ("Mode", "string", ".spec.operatingMode"),
            ("Model", "string", ".spec.model.*.model"),
            ("Agents", "integer", ".status.agent.readyReplicas"),
            ("Age", "date", ".metadata.creationTimestamp"),
        ),
        scale={
            "specReplicasPath": ".spec.agent.replicas",
            "statusReplicasPath": ".status.agent.replicas",
            "labelSelectorPath": ".status.agent.selector",
        },
    ),
    Resource(
        kind="RLTrainingJob",
        plural="rltrainingjobs",
        short="rljob",
        spec=TrainingJobSpec,
        status=TrainingJobStatus,
        columns=(
            ("State", "string", _condition("Progressing", "reason")),
            ("Progress", "integer", ".status.trainer.progressPercentage"),
            ("Step", "integer", ".status.trainer.step"),
            ("Return", "string", '.status.trainer.metrics[?(@.name=="return")].value'),
            ("Age", "date", ".metadata.creationTimestamp"),
        ),
    ),
)


def definition(resource: Resource) -> dict[str, Any]:
    """Return the CustomResourceDefinition of ``resource``."""
    spec = structural(resource.spec)
    root: dict[str, Any] = {
        "type": "object",
        "description": (resource.spec.__doc__ or "").strip(),
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": structural(resource.status),
        },
        RULES: _NAME_RULES,
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": root},
        "subresources": {"status": {}, **({"scale": resource.scale} if resource.scale else {})},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path} for name, kind, path in resource.columns
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short],
                "categories": ["dspy"],
            },
            "scope": "Namespaced",
            "versions": [version],
        },
    }
