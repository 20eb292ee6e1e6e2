"""Simulated tasks with the tools that help: what the prior is made from, so that a first suggestion fits."""
