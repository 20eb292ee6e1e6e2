"""The loop of a conversation: suggest a tool, let the model choose, run it, and answer from what was seen."""
