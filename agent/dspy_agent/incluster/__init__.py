"""The programs that run in a workspace's pods. They start fast and need the standard library only."""
