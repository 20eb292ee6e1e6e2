"""RLTrainingJob: one offline training run for a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from dspy_operator.api.algorithms import Algorithm
from dspy_operator.api.metadata import InvalidSpec, Metadata, explain
from dspy_operator.api.storage import VolumeSpec
from dspy_operator.api.types import (
    Image,
    Label,
    Model,
    Resources,
    Template,
    Word,
    cel,
    rule,
)

__all__ = ["InvalidSpec", "Metadata", "TrainingJob", "TrainingJobSpec", "parse"]


class WorkspaceRef(Model):
    """The workspace that is trained."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            json_schema_extra=cel(
                rule("self.matches(r'^[a-z]([-a-z0-9]*[a-z0-9])?$')", "must be the name of an AgentWorkspace")
            ),
        ),
    ] = Field(description="An AgentWorkspace of the same namespace.")


Command = Annotated[str, Field(min_length=1, max_length=2048)]


class Environment(Model):
    """The environment that the policy acts in."""

    actions: list[Label] | None = Field(
        None,
        max_length=32,
        description="Tools that the policy may choose; all where left out.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    verifiers: list[Label] | None = Field(
        None,
        max_length=16,
        description="What gives rewards, such as `tests`, `lint` and `build`.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    test_command: Command | None = Field(None, description="Runs the tests; found by itself where left out.")
    lint_command: Command | None = Field(None, description="Runs the linter; found by itself where left out.")
    build_command: Command | None = Field(None, description="Runs the build; found by itself where left out.")
    step_timeout_seconds: int = Field(120, ge=1, le=86400, description="Longest time of one step.")
    budget_seconds: int | None = Field(
        None, ge=1, le=31536000, description="Longest time of all steps together."
    )


class Head(Model):
    """Ray's head."""

    resources: Resources | None = Field(None, description="Resources of the head.")
    template: Template | None = Field(None, description="Merged onto its pod.")


class WorkerGroup(Model):
    """A group of like Ray workers."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            rule(
                "!has(self.minReplicas) || self.minReplicas <= self.replicas",
                "minReplicas must not exceed replicas",
            ),
            rule(
                "!has(self.maxReplicas) || self.maxReplicas >= self.replicas",
                "maxReplicas must not be below replicas",
            ),
        )
    )
    name: Label = Field(description="Name of the group.")
    replicas: int = Field(1, ge=0, le=256, description="Number of workers.")
    min_replicas: int | None = Field(None, ge=0, le=256, description="Fewest workers.")
    max_replicas: int | None = Field(None, ge=0, le=256, description="Most workers.")
    resources: Resources | None = Field(None, description="Resources of each worker.")
    template: Template | None = Field(None, description="Merged onto each worker's pod.")


class Ray(Model):
    """How the run is spread over pods."""

    mode: Literal["Auto", "RayJob", "Job"] = Field(
        "Auto", description="Auto: a RayJob where that API exists, else a Job that runs Ray in its pod."
    )
    image: Image | None = Field(
        None, description="Image of the trainer; the operator's default where left out."
    )
    head: Head | None = Field(None, description="Ray's head.")
    workers: list[WorkerGroup] | None = Field(
        None,
        max_length=16,
        description="Groups of workers.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )


class Checkpoint(Model):
    """Checkpoints, from which a retry, a resume or a moved pod goes on."""

    storage: VolumeSpec = Field(default_factory=VolumeSpec, description="The volume for checkpoints.")
    every_steps: int = Field(10000, ge=1, le=1_000_000_000, description="Steps between two checkpoints.")
    keep_last: int = Field(3, ge=1, le=100, description="How many to keep.")
    resume_from: Word | None = Field(None, description="Name of a checkpoint, or `latest`, to start from.")


class CleanupPolicy(Model):
    """What becomes of the pods when the run is over."""

    on_success: Literal["Delete", "Keep"] = Field("Delete", description="After success.")
    on_failure: Literal["Delete", "Keep"] = Field("Keep", description="After failure.")


class TrainingJobSpec(Model):
    """What should be trained, and how."""

    workspace_ref: WorkspaceRef = Field(
        description="The workspace that is trained; it can't be changed.",
        json_schema_extra=cel(
            rule("self == oldSelf", "workspaceRef can't be changed: make a new RLTrainingJob")
        ),
    )
    suspend: bool = Field(False, description="Whether the run waits, with its last checkpoint kept.")
    managed_by: (
        Annotated[
            str,
            Field(
                min_length=3,
                max_length=63,
                json_schema_extra=cel(
                    rule(
                        r"self.matches(r'^[-.a-z0-9]+/\S+$')",
                        "must be a name with a domain, such as example.com/name",
                    ),
                    rule("self == oldSelf", "managedBy can't be changed"),
                ),
            ),
        ]
        | None
    ) = Field(None, description="The controller in charge, where it is not this operator.")
    algorithm: Algorithm = Field(description="What learns: exactly one.")
    environment: Environment = Field(
        default_factory=Environment, description="The environment that the policy acts in."
    )
    ray: Ray = Field(default_factory=Ray, description="How the run is spread over pods.")
    checkpoint: Checkpoint = Field(default_factory=Checkpoint, description="Checkpoints.")
    backoff_limit: int = Field(3, ge=0, le=100, description="Retries before the run has failed.")
    active_deadline_seconds: int | None = Field(
        None, ge=1, le=31536000, description="Longest time of the run, retries included."
    )
    pre_running_deadline_seconds: int = Field(
        900, ge=1, le=31536000, description="Longest time until the first step."
    )
    ttl_seconds_after_finished: int | None = Field(
        None, ge=0, le=31536000, description="Delete the resource so long after its end."
    )
    cleanup_policy: CleanupPolicy = Field(
        default_factory=CleanupPolicy, description="What becomes of the pods when the run is over."
    )


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A parsed RLTrainingJob."""

    meta: Metadata
    spec: TrainingJobSpec


def parse(obj: Mapping[str, Any]) -> TrainingJob:
    """Return the job in ``obj`` (as the API server answers it), defaults filled in.

    Raises:
        InvalidSpec: the spec does not fit the model.
    """
    meta = Metadata.of(obj)
    try:
        return TrainingJob(meta, TrainingJobSpec.model_validate(obj.get("spec") or {}))
    except ValidationError as error:
        raise InvalidSpec(explain(error), meta.generation) from error
