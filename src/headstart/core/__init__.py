"""What every room stands on: errors, hashing, files, seeds."""
