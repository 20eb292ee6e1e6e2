"""What two packages must agree on: names, messages and results. Nothing here does any work."""
