"""Edits: what a task is about is searched, a model writes it anew, and the checks judge what it wrote."""

from dspy_agent.edits.edit import edit
from dspy_agent.edits.locate import locate
from dspy_agent.edits.results import Candidate, Edited, EditOptions, Located

__all__ = ["Candidate", "EditOptions", "Edited", "Located", "edit", "locate"]
