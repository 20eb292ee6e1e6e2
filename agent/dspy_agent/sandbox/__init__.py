"""Runs commands that are not trusted: no network, few writable folders, limits, no child outlives them."""
