"""The terminal's texts."""
