"""Suggests the next tool: what is known of a task, the words that fit each, and a policy that learns."""
