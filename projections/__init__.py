"""What is derived: disposable tables and views, all of them folded from the log."""
