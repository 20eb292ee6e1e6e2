"""Changes that are shown first, land whole or not at all, and can be undone. Needs no git, touches no git."""
