"""The status of both resources, as schemas only: the pure core writes plain dicts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from dspy_operator.api.types import Model

_BY_TYPE: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
_BY_NAME: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
Text = Annotated[str, Field(max_length=1024)]


class Condition(Model):
    """One aspect of the state."""

    type: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="The aspect.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: Annotated[str, Field(min_length=1, max_length=128)] = Field(description="Why, in one word.")
    message: str = Field(max_length=4096, description="Why, for people.")
    observed_generation: int = Field(ge=0, le=2**53, description="Generation that it speaks of.")
    last_transition_time: datetime = Field(description="When `status` last changed.")


class AgentStatus(Model):
    """The agent's pods."""

    replicas: int | None = Field(None, ge=0, le=2**31 - 1, description="Pods there are.")
    ready_replicas: int | None = Field(None, ge=0, le=2**31 - 1, description="Pods that are ready.")
    selector: Text | None = Field(None, description="Label selector of the pods.")
    pod_name: Text | None = Field(None, description="The pod that `connect` picks first.")


class Endpoint(Model):
    """An address inside the cluster."""

    name: Text = Field(description="What is there: agent, model, router or vectors.")
    url: Text = Field(description="Its URL.")


class WorkspaceStatus(Model):
    """What the workspace is."""

    conditions: list[Condition] | None = Field(
        None, max_length=16, description="Its aspects.", json_schema_extra=_BY_TYPE
    )
    observed_generation: int | None = Field(
        None, ge=0, le=2**53, description="Generation that the status speaks of."
    )
    agent: AgentStatus | None = Field(None, description="The agent's pods.")
    endpoints: list[Endpoint] | None = Field(
        None, max_length=8, description="Addresses inside the cluster.", json_schema_extra=_BY_NAME
    )
    last_activity_time: datetime | None = Field(None, description="When it was last used.")
    progress_started_time: datetime | None = Field(
        None, description="Since when it works towards being ready; progressDeadlineSeconds counts from here."
    )


class Metric(Model):
    """One number of the trainer."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="Its name.")
    value: Annotated[str, Field(max_length=64)] = Field(description="Its value.")


class TrainerStatus(Model):
    """How far the trainer is."""

    step: int | None = Field(None, ge=0, le=2**53, description="Steps done.")
    total_steps: int | None = Field(None, ge=0, le=2**53, description="Steps in all.")
    progress_percentage: int | None = Field(None, ge=0, le=100, description="Steps done, of 100.")
    estimated_remaining_seconds: int | None = Field(None, ge=0, le=2**53, description="Time left.")
    metrics: list[Metric] | None = Field(
        None, max_length=32, description="Its numbers.", json_schema_extra=_BY_NAME
    )
    last_updated_time: datetime | None = Field(None, description="When the trainer said so.")


class CheckpointStatus(Model):
    """The newest checkpoint."""

    latest: Text | None = Field(None, description="Its name.")
    step: int | None = Field(None, ge=0, le=2**53, description="Its step.")
    time: datetime | None = Field(None, description="When it was written.")


class TrainingJobStatus(Model):
    """How far the run is."""

    conditions: list[Condition] | None = Field(
        None, max_length=16, description="Its aspects.", json_schema_extra=_BY_TYPE
    )
    observed_generation: int | None = Field(
        None, ge=0, le=2**53, description="Generation that the status speaks of."
    )
    start_time: datetime | None = Field(None, description="When the first attempt started.")
    completion_time: datetime | None = Field(None, description="When it completed.")
    attempts: int | None = Field(None, ge=0, le=2**31 - 1, description="Attempts so far.")
    trainer: TrainerStatus | None = Field(None, description="How far the trainer is.")
    checkpoint: CheckpointStatus | None = Field(None, description="The newest checkpoint.")
