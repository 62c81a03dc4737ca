"""Results of other programs: answers or scores by arm and seed, read from files or arrays."""
