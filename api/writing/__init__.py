"""What is sent to be recorded, and the clock of a demo."""
