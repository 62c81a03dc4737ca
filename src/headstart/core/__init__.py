"""Base of all packages: errors, hashing, files, seeds."""
