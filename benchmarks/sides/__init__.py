"""What is measured, each side run in a process of its own so that libraries do not meet."""
