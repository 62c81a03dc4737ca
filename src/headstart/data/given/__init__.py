"""Arrays and data sets in memory: read once, as images with labels."""
