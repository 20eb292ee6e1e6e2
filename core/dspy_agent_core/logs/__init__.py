"""Log reduction: from raw lines to the few events that matter. Pure: no files, no clock, no network."""

from dspy_agent_core.logs.baseline import Baseline
from dspy_agent_core.logs.readable import readable
from dspy_agent_core.logs.reducer import Reducer, ReducerOptions

__all__ = ["Baseline", "Reducer", "ReducerOptions", "readable"]
