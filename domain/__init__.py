"""What is decided: facts, states and rules. Pure Python, no I/O and no clock."""
