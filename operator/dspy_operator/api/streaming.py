"""Log streams over Kafka: topics, the context job, worker and router."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from dspy_operator.api.storage import VolumeSpec
from dspy_operator.api.types import Label, Model, ObjectName, Resources, cel, exactly_one, rule


class Strimzi(Model):
    """A Kafka cluster that Strimzi runs."""

    cluster: ObjectName = Field(description="Name of the Kafka resource.")


class Kafka(Model):
    """The Kafka cluster: exactly one."""

    model_config = ConfigDict(json_schema_extra=cel(exactly_one("strimzi", "bootstrapServers")))
    strimzi: Strimzi | None = Field(None, description="A cluster that Strimzi runs.")
    bootstrap_servers: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=1024,
                json_schema_extra=cel(
                    rule(
                        r"self.matches(r'^[^\s,:]+:[0-9]{1,5}(,[^\s,:]+:[0-9]{1,5})*$')",
                        "must be host:port, or several with commas between",
                    )
                ),
            ),
        ]
        | None
    ) = Field(None, description="`host:port`, or several with commas between.")


class App(Model):
    """One application whose logs stream in."""

    name: Label = Field(description="Name of the application, as in `logs.raw.<name>`.")
    partitions: int = Field(
        1,
        ge=1,
        le=1000,
        description="Partitions of its topics for lines, contexts and results; it may only grow.",
        json_schema_extra=cel(rule("self >= oldSelf", "may only grow: Kafka can't take partitions away")),
    )
    replicas: int = Field(
        1,
        ge=1,
        le=16,
        description="Replicas of each partition; it can't be changed.",
        json_schema_extra=cel(
            rule("self == oldSelf", "can't be changed: Kafka moves replicas by other tools than this")
        ),
    )
    config: dict[Annotated[str, Field(max_length=128)], Annotated[str, Field(max_length=1024)]] | None = (
        Field(None, max_length=64, description="Settings of its topics, such as `retention.ms`.")
    )


class ContextJob(Model):
    """Turns raw log lines into contexts."""

    engine: Literal["Spark", "Light"] = Field("Light", description="Spark, or the light consumer.")
    replicas: int = Field(
        1,
        ge=0,
        le=64,
        description="Consumers, or Spark's executors (threads in a plain pod). 0: none runs.",
    )
    resources: Resources | None = Field(None, description="Resources of each.")
    checkpoint_storage: VolumeSpec | None = Field(
        None,
        description="The volume for Spark's checkpoints; 1Gi where it is left out."
        " A SparkApplication needs access mode ReadWriteMany, as all its pods share it.",
    )
    spark_application: Literal["Auto", "Never"] = Field(
        "Auto",
        description="Auto: a SparkApplication where the cluster has that API and checkpointStorage is"
        " ReadWriteMany, else a plain pod. Never: a plain pod.",
    )


class Worker(Model):
    """Answers contexts with plans."""

    replicas: int = Field(1, ge=0, le=64, description="Number of workers. 0: nobody answers.")


class Router(Model):
    """Keeps the newest contexts and results for the agent."""

    replicas: int = Field(
        1, ge=0, le=1, description="0: none; the agent then sees log files only, not the streams."
    )


class StreamingSpec(Model):
    """Log streams over Kafka."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            rule(
                "self.topicRetainPolicy != 'Delete' || has(self.kafka.strimzi)",
                "topicRetainPolicy Delete needs kafka.strimzi: on plain bootstrapServers topics are never"
                " deleted",
            )
        )
    )
    kafka: Kafka = Field(description="The Kafka cluster.")
    topic_prefix: (
        Annotated[
            str,
            Field(
                max_length=128,
                json_schema_extra=cel(
                    rule(
                        "self.matches(r'^[-._a-zA-Z0-9]*$')", "must be letters, digits, '-', '_' and '.' only"
                    )
                ),
            ),
        ]
        | None
    ) = Field(None, description="Put before each topic; `<namespace>.<workspace>.` where it is left out.")
    topic_retain_policy: Literal["Retain", "Delete"] = Field(
        "Retain",
        description="Whether topics outlive their app and the workspace (Retain), or go with them (Delete).",
    )
    apps: list[App] | None = Field(
        None,
        max_length=64,
        description="The applications. Without any, no program of the streams runs.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    context_job: ContextJob = Field(
        default_factory=ContextJob, description="Turns raw log lines into contexts."
    )
    worker: Worker = Field(default_factory=Worker, description="Answers contexts with plans.")
    router: Router = Field(
        default_factory=Router, description="Keeps the newest contexts and results for the agent."
    )
