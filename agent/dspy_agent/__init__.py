"""The agent: command line, session, tools, and the way into a cluster's workspaces."""
