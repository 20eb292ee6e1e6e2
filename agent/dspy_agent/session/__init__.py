"""The interactive session: the same verbs as the command line, and tasks in plain words."""
