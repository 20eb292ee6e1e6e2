"""Where the examples come from: a workspace's own history, code and logs."""
