"""The bandit beside Vowpal Wabbit, MABWiser, ε-greedy and an oracle, on sets whose every reward is known."""
