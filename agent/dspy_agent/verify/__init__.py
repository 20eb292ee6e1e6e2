"""Checks of a change in a scratch copy, before it is shown: syntax, lint, and the tests it may affect."""
