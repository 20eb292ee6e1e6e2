"""For every field of both specs: a value that is accepted, and one that must be refused with clear words.

The fields come from the generated schemas, so a new one without an entry here fails a test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dspy_operator.api.crd import RESOURCES, definition
from dspy_operator.api.types import RULES

NAME = ("a-name", "A name", "must be a name of lower-case letters")
BOOL = (True, "maybe", "must be of type boolean")
COUNT = (2, -1, "should be greater than or equal to")
POSITIVE = (2, 0, "should be greater than or equal to 1")
WORD = ("word", "two words", "must be one word without spaces")
QUANTITY = ("500m", "lots", "must be a quantity")
RATIO = (0.5, 1.5, "should be less than or equal to 1")
COMMAND = ("make test", "", "should be at least 1 chars long")
URL = ("https://models.example.com/v1", "models.example.com", "must be an http:// or https:// URL")
SHORT = ("v", "v" * 64, "Too long")


def choice(value: str) -> tuple[str, str, str]:
    return value, "Nonsense", "Unsupported value"


# By the end of the path; the longest match counts.
TABLE: dict[str, tuple[Any, Any, str]] = {
    "name": NAME,
    "env[].name": ("A_B", "A B", "must be a name of letters"),
    "key": ("api-key", "an api key", "must be a key of letters"),
    "matchExpressions[].key": ("app", "v" * 254, "Too long"),
    "operatingMode": choice("Suspended"),
    "idleTimeoutSeconds": (60, 59, "should be greater than or equal to 60"),
    "shutdownTime": ("2040-01-01T00:00:00Z", "tomorrow", "must be of type date-time"),
    "shutdownPolicy": choice("Delete"),
    "progressDeadlineSeconds": POSITIVE,
    "url": ("https://git.example.com/team/project.git", "ftp://git.example.com/x", "must be an https://"),
    "ref": ("v1.0", "--upload-pack=x", "must be a branch, a tag or a commit"),
    "claimName": NAME,
    "image": ("registry.example.com/agent:1", "no image", "without spaces"),
    "replicas": COUNT,
    "apps[].replicas": POSITIVE,
    "value": ("v", "v" * 8193, "Too long"),
    "optional": BOOL,
    "fieldPath": WORD,
    "apiVersion": WORD,
    "resource": WORD,
    "containerName": NAME,
    "divisor": QUANTITY,
    "requests{}": QUANTITY,
    "limits{}": QUANTITY,
    "prefix": ("P_", "P" * 129, "Too long"),
    "runtimeClassName": NAME,
    "serviceAccountName": NAME,
    "storageClassName": NAME,
    "labels{}": SHORT,
    "annotations{}": ("v", "v" * 8193, "Too long"),
    "template.spec": ({"nodeSelector": {"disk": "fast"}}, "x", "must be of type object"),
    "model": ("qwen3:1.7b", "qwen3 1.7b", "must be one word without spaces"),
    "insecure": BOOL,
    "keepAlive": ("5m", "soon", "must be a time such as"),
    "baseURL": URL,
    "uri": URL,
    "cluster": NAME,
    "bootstrapServers": ("kafka:9092,kafka-2:9092", "kafka", "must be host:port"),
    "topicPrefix": ("team.", "a team", "must be letters, digits"),
    "topicRetainPolicy": choice("Delete"),
    "partitions": POSITIVE,
    "config{}": ("60000", "v" * 1025, "Too long"),
    "router.replicas": (0, 2, "should be less than or equal to 1"),
    "contextJob.engine": choice("Spark"),
    "ppo.engine": choice("PufferLib"),
    "sparkApplication": choice("Never"),
    "size": ("20Gi", "0", "must be a quantity above zero"),
    "accessModes[]": choice("ReadWriteMany"),
    "retainPolicy": choice("Retain"),
    "management": choice("Unmanaged"),
    "cidr": ("10.0.0.0/8", "10.0.0.0/99", "must be a CIDR"),
    "except[]": ("10.1.0.0/16", "10.1", "must be a CIDR"),
    "matchLabels{}": SHORT,
    "values[]": SHORT,
    "operator": choice("Exists"),
    "protocol": choice("UDP"),
    "port": (80, 0, "should be greater than or equal to 1"),
    "endPort": (90, 65536, "should be less than or equal to 65535"),
    "suspend": BOOL,
    "workspaceRef.name": ("demo", "Demo", "must be the name of an AgentWorkspace"),
    "managedBy": ("example.com/other", "other", "must be a name with a domain"),
    "totalSteps": POSITIVE,
    "steps": POSITIVE,
    "numEnvs": POSITIVE,
    "horizon": POSITIVE,
    "epochs": POSITIVE,
    "minibatches": POSITIVE,
    "seed": COUNT,
    "learningRate": (0.1, 0, "should be greater than 0"),
    "clip": (0.1, 0, "should be greater than 0"),
    "gamma": RATIO,
    "gaeLambda": RATIO,
    "entropy": (0.5, -1, "should be greater than or equal to 0"),
    "policy": choice("LinTS"),
    "actions[]": NAME,
    "verifiers[]": NAME,
    "testCommand": COMMAND,
    "lintCommand": COMMAND,
    "buildCommand": COMMAND,
    "stepTimeoutSeconds": POSITIVE,
    "budgetSeconds": POSITIVE,
    "mode": choice("Job"),
    "minReplicas": (0, -1, "should be greater than or equal to 0"),
    "maxReplicas": COUNT,
    "everySteps": POSITIVE,
    "keepLast": POSITIVE,
    "resumeFrom": ("latest", "the latest", "must be one word without spaces"),
    "backoffLimit": COUNT,
    "activeDeadlineSeconds": POSITIVE,
    "preRunningDeadlineSeconds": POSITIVE,
    "ttlSecondsAfterFinished": COUNT,
    "onSuccess": choice("Keep"),
    "onFailure": choice("Delete"),
}
# What a field needs beside it.
APPS = {"apps": [{"name": "web"}]}
BESIDE: dict[str, dict[str, Any]] = {
    "endPort": {"port": 80},
    "except": {"cidr": "10.0.0.0/8"},
    "contextJob": APPS,
    "worker": APPS,
    "router": APPS,
    "topicRetainPolicy": APPS,
    "topicPrefix": APPS,
    "sparkApplication": {"engine": "Spark", "checkpointStorage": {"accessModes": ["ReadWriteMany"]}},
    "checkpointStorage": {"engine": "Spark"},
}
# Sets of which one member at most may be there, besides those whose rule says "exactly one of".
EXCLUSIVE = ({"value", "valueFrom"}, {"ipBlock", "podSelector"}, {"ipBlock", "namespaceSelector"})

ONE_OF = re.compile(r"exactly one of (.+) must be set")
SCHEMAS: dict[str, dict[str, Any]] = {
    resource.kind: definition(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][
        "spec"
    ]
    for resource in RESOURCES
}


@dataclass(frozen=True)
class Field:
    kind: str
    path: str  # such as spec.agent.env[].name or spec.agent.resources.limits{}
    schema: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}-{self.path}"

    @property
    def entry(self) -> tuple[Any, Any, str]:
        ends = [end for end in TABLE if self.path == end or self.path.endswith("." + end)]
        return TABLE[max(ends, key=len)]

    @property
    def union(self) -> list[str]:
        return union(self.schema)

    @property
    def leaf(self) -> bool:
        return not any(key in self.schema for key in ("properties", "items", "additionalProperties"))


def union(schema: dict[str, Any]) -> list[str]:
    for rule in schema.get(RULES, []):
        found = ONE_OF.fullmatch(rule["message"])
        if found:
            return found[1].split(", ")
    return []


def fields(kind: str) -> Iterator[Field]:
    yield from _below(kind, SCHEMAS[kind], "spec")


def _below(kind: str, schema: dict[str, Any], path: str) -> Iterator[Field]:
    for name, child in schema.get("properties", {}).items():
        yield from _field(kind, child, f"{path}.{name}")


def _field(kind: str, schema: dict[str, Any], path: str) -> Iterator[Field]:
    yield Field(kind, path, schema)
    yield from _below(kind, schema, path)
    if "items" in schema:
        yield from _field(kind, schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from _field(kind, schema["additionalProperties"], f"{path}{{}}")


def minimal(kind: str, schema: dict[str, Any], path: str, only: str | None = None) -> dict[str, Any]:
    """The smallest valid object of ``schema``; ``only``: the member of a union to choose."""
    members = union(schema)
    needed = [*schema.get("required", []), *([only or members[0]] if members else [])]
    result = {}
    for name in needed:
        child = schema["properties"][name]
        here = f"{path}.{name}"
        result[name] = (
            minimal(kind, child, here)
            if "properties" in child or child["type"] == "object"
            else Field(kind, here, child).entry[0]
        )
    return result


def spec_with(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The smallest valid spec, with ``value`` at ``path``."""
    steps = re.findall(r"[^.\[\]{}]+|\[\]|\{\}", path)[1:]
    schema = SCHEMAS[kind]
    spec = minimal(kind, schema, "spec")
    _place(kind, spec, schema, "spec", steps, value)
    return spec


def _place(
    kind: str, obj: dict[str, Any], schema: dict[str, Any], path: str, steps: list[str], value: Any
) -> None:
    name, *rest = steps
    for group in (*EXCLUSIVE, set(union(schema))):
        if name in group:
            for other in group - {name}:
                obj.pop(other, None)
    obj.update({key: item for key, item in BESIDE.get(name, {}).items() if key not in obj})
    child, here = schema["properties"][name], f"{path}.{name}"
    if rest and rest[0] in ("[]", "{}"):
        holder = child["items" if rest[0] == "[]" else "additionalProperties"]
        item = _item(kind, holder, here + rest[0], rest[1:], value)
        obj[name] = [item] if rest[0] == "[]" else {"memory": item}
    elif rest:
        only = rest[0] if rest[0] in union(child) else None
        old = obj.get(name)
        obj[name] = old if isinstance(old, dict) else minimal(kind, child, here, only)
        _place(kind, obj[name], child, here, rest, value)
    else:
        obj[name] = value


def _item(kind: str, schema: dict[str, Any], path: str, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    obj = minimal(kind, schema, path, steps[0] if steps[0] in union(schema) else None)
    if path.endswith(".to[]") and steps[0] == "podSelector":
        obj = {}
    _place(kind, obj, schema, path, steps, value)
    return obj
