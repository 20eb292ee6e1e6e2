"""The checks of ``doctor``: each looks at one thing, within seconds, and names the command that mends it."""
