"""The kinds besides the children: our own two, and what the operator reads or writes on the way."""

from __future__ import annotations

from typing import Final

from dspy_agent_core.contracts.cluster import API_VERSION
from dspy_operator.children import Kind

WORKSPACE: Final = Kind(API_VERSION, "AgentWorkspace", "agentworkspaces")
JOB: Final = Kind(API_VERSION, "RLTrainingJob", "rltrainingjobs")
POD: Final = Kind("v1", "Pod", "pods")
EVENT: Final = Kind("v1", "Event", "events")
LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")
