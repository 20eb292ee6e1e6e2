"""Log streams over Kafka: topics, the context job, worker and router."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from dspy_operator.api.storage import VolumeSpec
from dspy_operator.api.types import Empty, Label, Model, ObjectName, Resources, cel, exactly_one, rule


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
    partitions: int = Field(1, ge=1, le=1000, description="Partitions of each of its topics.")
    replicas: int = Field(1, ge=1, le=16, description="Replicas of each partition.")
    config: dict[Annotated[str, Field(max_length=128)], Annotated[str, Field(max_length=1024)]] | None = (
        Field(None, max_length=64, description="Settings of its topics, such as `retention.ms`.")
    )


class ContextJob(Model):
    """Turns raw log lines into contexts."""

    engine: Literal["Spark", "Light"] = Field("Light", description="Spark, or the light consumer.")
    replicas: int = Field(1, ge=0, le=64, description="Consumers, or Spark executors.")
    resources: Resources | None = Field(None, description="Resources of each.")
    checkpoint_storage: VolumeSpec | None = Field(None, description="The volume for Spark's checkpoints.")
    spark_application: Literal["Auto", "Never"] = Field(
        "Auto", description="Auto: a SparkApplication where that API exists. Never: plain pods."
    )


class Worker(Model):
    """Answers contexts with plans."""

    replicas: int = Field(1, ge=0, le=64, description="Number of workers.")


class StreamingSpec(Model):
    """Log streams over Kafka."""

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
    apps: list[App] | None = Field(
        None,
        max_length=64,
        description="The applications.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    context_job: ContextJob | None = Field(None, description="Turns raw log lines into contexts.")
    worker: Worker | None = Field(None, description="Answers contexts with plans.")
    router: Empty | None = Field(None, description="Sends each request to the agent that knows most of it.")
