"""What plain code can check of an answer, in words that a proposer can learn from."""
