"""Workspaces in a cluster: finding one, waking it, and a terminal inside its pod."""
