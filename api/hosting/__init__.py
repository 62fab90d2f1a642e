"""Where the record lives on this machine: settings, the database behind it, the socket before it."""
