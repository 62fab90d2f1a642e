"""What is remembered: the append-only log of facts, its bytes and its proofs."""
