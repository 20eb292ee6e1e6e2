"""Talking to the API server: client, errors, resources, watches, leader election."""
