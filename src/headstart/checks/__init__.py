"""Checks for a training loop that is not headstart's: each is one function, with a typed result."""
