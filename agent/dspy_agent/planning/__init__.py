"""Plans: evidence for a model to plan with, and the plain checks that its plan goes through."""
