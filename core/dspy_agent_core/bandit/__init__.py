"""Learning online which tool helps next: a contextual linear bandit whose state is a fold over events."""
