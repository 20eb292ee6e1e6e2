"""Runs commands that are not trusted: no network, few writable folders, limits, and no child outlives them."""
