"""How fast headstart is against what a user would write: `make bench`."""
