"""AgentWorkspace: one team's agent beside its code and logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from dspy_operator.api.metadata import InvalidSpec, Metadata, explain
from dspy_operator.api.network import NetworkPolicySpec
from dspy_operator.api.storage import StorageSpec, VolumeSpec
from dspy_operator.api.streaming import StreamingSpec
from dspy_operator.api.types import (
    Empty,
    EnvFrom,
    EnvVar,
    HttpUrl,
    Image,
    Key,
    LocalRef,
    Model,
    ObjectName,
    Resources,
    Template,
    Word,
    cel,
    exactly_one,
    rule,
)

__all__ = ["InvalidSpec", "Metadata", "Workspace", "WorkspaceSpec", "parse"]

_GIT_URL = r"^((https?|ssh|git)://[^\s/]+/\S+|[-._a-zA-Z0-9]+@[-.a-zA-Z0-9]+:\S+)$"


class Git(Model):
    """Code from a git repository."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1024,
            json_schema_extra=cel(
                rule(
                    f"self.matches(r'{_GIT_URL}')",
                    "must be an https://, http://, ssh:// or git:// URL, or user@host:path",
                ),
                rule(
                    "!self.matches(r'^[a-z]+://[^/@]*:[^/@]*@')",
                    "must not hold a password: put it in a Secret and name that in secretRef",
                ),
            ),
        ),
    ] = Field(description="URL of the repository, without a password.")
    ref: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=250,
                json_schema_extra=cel(
                    rule(r"self.matches(r'^[^-\s][^\s]*$')", "must be a branch, a tag or a commit")
                ),
            ),
        ]
        | None
    ) = Field(None, description="Branch, tag or commit; the default branch where it is left out.")
    secret_ref: LocalRef | None = Field(
        None, description="Secret with `username` and `password`, or `ssh-privatekey` (and `known_hosts`)."
    )


class ClaimSource(Model):
    """Code that lies on an existing claim."""

    claim_name: ObjectName = Field(description="A PersistentVolumeClaim of the same namespace.")


class Source(Model):
    """Where the code comes from: exactly one."""

    model_config = ConfigDict(json_schema_extra=cel(exactly_one("git", "pvc", "empty")))
    git: Git | None = Field(None, description="A git repository, cloned once into the workspace's volume.")
    pvc: ClaimSource | None = Field(None, description="An existing claim, used in place.")
    empty: Empty | None = Field(None, description="An empty folder.")


class Agent(Model):
    """The agent's pods."""

    image: Image | None = Field(None, description="Image of the agent; the operator's own by default.")
    replicas: int = Field(1, ge=0, le=16, description="Number of agent pods.")
    env: list[EnvVar] | None = Field(
        None,
        max_length=128,
        description="More variables; they win over the operator's.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    env_from: list[EnvFrom] | None = Field(
        None, max_length=32, description="ConfigMaps and Secrets whose keys become variables."
    )
    resources: Resources | None = Field(None, description="Resources of the agent container.")
    runtime_class_name: ObjectName | None = Field(None, description="RuntimeClass of the pods.")
    template: Template | None = Field(None, description="Merged onto the pods.")


class Ollama(Model):
    """A model server of the workspace's own."""

    model: Word = Field(
        description="The model to pull, such as `qwen3:1.7b` or `registry.example.com/library/m:tag`."
    )
    insecure: bool = Field(False, description="Whether the model comes from a plain-HTTP registry.")
    image: Image | None = Field(None, description="Image of Ollama; the operator's default where left out.")
    resources: Resources | None = Field(None, description="Resources of the Ollama container.")
    storage: VolumeSpec = Field(default_factory=VolumeSpec, description="The volume for models.")
    keep_alive: Annotated[
        str,
        Field(
            min_length=1,
            max_length=16,
            json_schema_extra=cel(
                rule("self.matches(r'^(-1|0|([0-9]+(ms|s|m|h))+)$')", "must be a time such as 30m, 0 or -1")
            ),
        ),
    ] = Field("30m", description="How long the model stays in memory after its last use; -1: for ever.")
    replicas: int = Field(1, ge=0, le=16, description="Number of model servers.")


class ApiKeyRef(Model):
    """The key of a Secret that holds an API key."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: Key = Field("api-key", description="The key in it.")


class OpenAICompatible(Model):
    """A model server that speaks OpenAI's API."""

    base_url: HttpUrl = Field(alias="baseURL", description="Its URL, such as `https://api.openai.com/v1`.")
    model: Word = Field(description="Name of the model there.")
    api_key_secret_ref: ApiKeyRef | None = Field(None, description="Where its API key is.")


class ModelSpec(Model):
    """Which model the agent asks: exactly one."""

    model_config = ConfigDict(json_schema_extra=cel(exactly_one("ollama", "openAICompatible", "none")))
    ollama: Ollama | None = Field(None, description="An Ollama server that the operator runs.")
    open_ai_compatible: OpenAICompatible | None = Field(
        None, alias="openAICompatible", description="A server that speaks OpenAI's API."
    )
    none: Empty | None = Field(None, description="No model: all that needs none still works.")


class Milvus(Model):
    """A Milvus server."""

    uri: HttpUrl = Field(
        description="Its URL, such as `http://milvus:19530`; a path names the database. Default port:"
        " 19530, 443 for https."
    )
    secret_ref: LocalRef | None = Field(
        None, description="Secret with `token`, or `username` and `password`."
    )


class VectorStore(Model):
    """Where vectors lie: exactly one."""

    model_config = ConfigDict(json_schema_extra=cel(exactly_one("none", "milvus", "milvusLite")))
    none: Empty | None = Field(None, description="The local index of the workspace.")
    milvus: Milvus | None = Field(None, description="A Milvus server.")
    milvus_lite: Empty | None = Field(None, description="Milvus Lite: a file beside the agent's index.")


class Lifecycle(Model):
    """When the workspace stops by itself."""

    idle_timeout_seconds: int | None = Field(
        None, ge=60, le=31536000, description="Suspend after so many seconds without activity."
    )
    shutdown_time: datetime | None = Field(
        None,
        description="Stop at this time (RFC 3339; UTC where no offset is given).",
        json_schema_extra={"maxLength": 64},
    )
    shutdown_policy: Literal["Retain", "Delete"] = Field(
        "Retain", description="At shutdownTime: suspend (Retain), or delete the workspace (Delete)."
    )


class WorkspaceSpec(Model):
    """What the workspace should be."""

    operating_mode: Literal["Running", "Suspended"] = Field(
        "Running", description="Suspended: no pods; volumes and settings stay."
    )
    lifecycle: Lifecycle = Field(default_factory=Lifecycle, description="When it stops by itself.")
    progress_deadline_seconds: int = Field(
        600, ge=1, le=86400, description="Not ready after so long: reason ProgressDeadlineExceeded."
    )
    source: Source = Field(
        Source(empty=Empty()), description="Where the code comes from; an empty folder where it is left out."
    )
    agent: Agent = Field(default_factory=Agent, description="The agent's pods.")
    model: ModelSpec = Field(
        ModelSpec(none=Empty()), description="Which model the agent asks; none where it is left out."
    )
    streaming: StreamingSpec | None = Field(None, description="Log streams over Kafka.")
    vector_store: VectorStore = Field(
        VectorStore(none=Empty()), description="Where vectors lie; in the local index where it is left out."
    )
    storage: StorageSpec = Field(default_factory=StorageSpec, description="The workspace's volume.")
    network_policy: NetworkPolicySpec = Field(
        default_factory=NetworkPolicySpec, description="What the pods may reach."
    )
    service_account_name: ObjectName | None = Field(
        None, description="An existing ServiceAccount; the operator makes one where it is left out."
    )
    image_pull_secrets: list[LocalRef] | None = Field(
        None,
        max_length=16,
        description="Secrets for private registries.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )


@dataclass(frozen=True, slots=True)
class Workspace:
    """A parsed AgentWorkspace; ``status`` as it was last written."""

    meta: Metadata
    spec: WorkspaceSpec
    status: Mapping[str, Any]


def parse(obj: Mapping[str, Any]) -> Workspace:
    """Return the workspace in ``obj`` (as the API server answers it), defaults filled in.

    Raises:
        InvalidSpec: the spec does not fit the model.
    """
    meta = Metadata.of(obj)
    try:
        spec = WorkspaceSpec.model_validate(obj.get("spec") or {})
    except ValidationError as error:
        raise InvalidSpec(explain(error), meta.generation) from error
    return Workspace(meta, spec, obj.get("status") or {})
