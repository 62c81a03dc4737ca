"""What is measured, each side run in a separate process so that libraries do not meet."""
