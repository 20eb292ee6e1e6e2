"""The code index of a workspace: kept on disk, brought up to date, searched."""
