"""The operator: from AgentWorkspace and RLTrainingJob to the objects that run them."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("dspy-operator")
