"""Contracts and pure algorithms that the agent, the operator and the trainers share."""
