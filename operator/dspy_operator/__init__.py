"""The operator: from AgentWorkspace and RLTrainingJob to the objects that run them."""
