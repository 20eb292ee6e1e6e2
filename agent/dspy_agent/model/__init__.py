"""Model access: one way to a model, whatever server has it."""
