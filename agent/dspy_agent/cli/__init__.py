"""The command line. Nothing here is imported at start that `--help` does not need."""
