"""The `planrecord` command, one file for each subcommand that is more than a line."""
