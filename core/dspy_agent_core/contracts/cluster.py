"""Names that the operator, the programs in its pods, and ``dspy-agent connect`` agree on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

GROUP: Final = "dspy.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

# Labels on every child.
LABEL_WORKSPACE: Final = "dspy.dev/workspace"
LABEL_COMPONENT: Final = (
    "dspy.dev/component"  # agent | model | storage | network | vectors | one of the streams'
)
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "dspy-operator"

# Annotations on an AgentWorkspace, written by users and by `dspy-agent connect`.
ANNOTATION_LAST_ACTIVITY: Final = "dspy.dev/last-activity"  # RFC 3339, UTC
ANNOTATION_REFRESH: Final = "dspy.dev/refresh"  # any new value renders the children anew

# Containers of the agent pod and of the model pod.
CONTAINER_AGENT: Final = "agent"
CONTAINER_SOURCE: Final = "source"  # init container: puts the code in place
CONTAINER_TRAINER: Final = "trainer"  # beside the agent where the spec has streams
CONTAINER_OLLAMA: Final = "ollama"
CONTAINER_MODEL_PULL: Final = "model-pull"

# Paths in the agent pod.
WORKSPACE_DIR: Final = "/workspace"
SOURCE_DIR: Final = "/workspace/source"
LOGS_DIR: Final = "/workspace/logs"
GIT_SECRET_DIR: Final = "/etc/dspy-agent/git"  # noqa: S105  mounted Secret: username+password, or ssh-privatekey
AGENT_PORT: Final = 8642  # /healthz and /readyz of the agent container
OLLAMA_PORT: Final = 11434
MODEL_PULL_PORT: Final = 8643  # /readyz: the model is there
ROUTER_PORT: Final = 8645  # the router's own API, with /healthz and /readyz
STREAM_PORT: Final = 8646  # /healthz, /readyz and /metrics of the context job, of workers and trainers
VECTORS_PORT: Final = 8647  # /readyz: the vector store answers

WORKSPACE_NAME: Final = "DSPY_AGENT_WORKSPACE_NAME"  # in learning events; agents of one name share them

# The agent's vector store: a URL, or VECTOR_STORE_LITE for Milvus Lite below the index; none without it.
VECTOR_STORE: Final = "DSPY_AGENT_VECTOR_STORE"
VECTOR_STORE_LITE: Final = "lite"
VECTOR_COLLECTION_PREFIX: Final = "DSPY_AGENT_VECTOR_COLLECTION_PREFIX"
VECTOR_TOKEN: Final = "DSPY_AGENT_VECTOR_TOKEN"  # noqa: S105  a variable
VECTOR_SECRET: Final = "DSPY_AGENT_VECTOR_SECRET"  # noqa: S105  the folder of a mounted Secret
VECTOR_SECRET_DIR: Final = "/etc/dspy-agent/vectors"  # noqa: S105  token, or username and password

# Reasons that a program in a pod ends with.
SOURCE_REASONS: Final = (
    "RefNotFound",
    "AuthenticationFailed",
    "RepositoryNotFound",
    "RepositoryUnreachable",
    "InvalidSource",
    "DiskFull",
    "ReadOnlyFilesystem",
    "PermissionDenied",
    "SourceFailed",
)
MODEL_REASONS: Final = (
    "ModelNotFound",
    "RegistryUnreachable",
    "InsecureRegistry",
    "DiskFull",
    "ReadOnlyFilesystem",
    "ModelServerUnreachable",
    "PullFailed",
)
TOPIC_REASONS: Final = (
    "BrokerUnreachable",
    "NotAuthorized",
    "PartitionsCannotShrink",
    "ReplicationImpossible",
    "InvalidTopicConfig",
    "TopicsFailed",
)
VECTOR_REASONS: Final = (
    "SecretNotFound",
    "SecretKeyNotFound",
    "VectorStoreUnreachable",
    "VectorStoreUnauthorized",
    "VectorStoreFailed",
)


@dataclass(frozen=True, slots=True)
class Termination:
    """What a failed container leaves in ``/dev/termination-log`` for the operator to read.

    ``reason`` is one of ``SOURCE_REASONS``, ``MODEL_REASONS`` or ``TOPIC_REASONS``; ``message`` is one
    sentence with the next step and without any secret. The vectors container does not end while its store
    is away: it writes the same to its log, with one of ``VECTOR_REASONS``, as its last line.
    """

    reason: str
    message: str

    def dumps(self) -> str:
        """Return the message as one JSON line, at most 2 KiB."""
        return json.dumps({"reason": self.reason, "message": self.message[:1500]})

    @classmethod
    def loads(cls, text: str) -> Termination | None:
        """Return the message in ``text``, or None if it is none of ours."""
        try:
            data = json.loads(text)
            return cls(str(data["reason"]), str(data["message"]))
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One line of the ``model-pull`` container's log. Sizes in bytes; 0 while unknown."""

    status: str  # pulling | ready | failed
    model: str
    completed: int = 0
    total: int = 0
    reason: str = ""
    message: str = ""

    def dumps(self) -> str:
        """Return the progress as one JSON line."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, line: str) -> PullProgress | None:
        """Return the progress in ``line``, or None if it is none of ours."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError):
            return None


def listed_model_name(model: str) -> str:
    """Return the name under which Ollama lists ``model`` after a pull: without scheme, with a tag.

    >>> listed_model_name("http://models:5000/library/qwen2.5-coder:1.5b")
    'models:5000/library/qwen2.5-coder:1.5b'
    >>> listed_model_name("qwen3")
    'qwen3:latest'
    """
    name = model.split("://", 1)[-1].removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def vector_token(environment: Mapping[str, str]) -> str:
    """Return the token for the vector store that ``environment`` names, or "" where it needs none.

    A mounted Secret is read anew each time, as it may come, or change, while a pod runs.
    """
    folder = environment.get(VECTOR_SECRET)
    if VECTOR_TOKEN in environment or not folder:
        return environment.get(VECTOR_TOKEN, "")
    token, username, password = (_read(Path(folder) / key) for key in ("token", "username", "password"))
    return token or (f"{username}:{password}" if username and password else "")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
