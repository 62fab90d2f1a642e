"""Judging a log from outside: what it published, checked and worked out on one's own machine, without the server."""
