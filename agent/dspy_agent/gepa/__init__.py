"""Trains the modules' instructions on the workspace's own history, with GEPA."""
