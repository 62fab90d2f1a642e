"""Following a log for years: its facts and what they add up to, kept and proved in a file of one's own."""
