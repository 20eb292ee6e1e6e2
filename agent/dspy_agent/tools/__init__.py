"""The tools: what the agent can do. One registry serves the command line, the session and the model."""
