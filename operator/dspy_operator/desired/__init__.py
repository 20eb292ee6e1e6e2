"""Which objects a workspace should have: pure functions of the resource, facts and settings."""

from __future__ import annotations

from dspy_operator.api.workspace import Workspace
from dspy_operator.children import Child
from dspy_operator.desired.agent import build_service, build_service_account, build_stateful_set
from dspy_operator.desired.common import Context
from dspy_operator.desired.environment import build_config
from dspy_operator.desired.model import build_model
from dspy_operator.desired.network import build_policies
from dspy_operator.desired.storage import build_claims
from dspy_operator.desired.streams import build_streams
from dspy_operator.desired.topics import build_topics
from dspy_operator.desired.vectors import build_vectors
from dspy_operator.facts import Facts
from dspy_operator.lifecycle import next_deadline, suspension
from dspy_operator.settings import Settings

__all__ = ["desired", "next_deadline", "suspension"]


def desired(workspace: Workspace, facts: Facts, settings: Settings) -> list[Child]:
    """Return the children that ``workspace`` should have now, in the order of applying.

    Pods come last: the policies that bind them are there before they start.
    """
    context = Context(workspace, facts, settings, suspension(workspace, facts) is not None)
    config = build_config(context)
    return [
        *build_service_account(context),
        *build_claims(context),
        config,
        *build_policies(context),
        build_service(context),
        *build_topics(context),
        build_stateful_set(context, config),
        *build_model(context),
        *build_streams(context),
        *build_vectors(context),
    ]
