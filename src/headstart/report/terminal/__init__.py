"""Reports in a terminal, printed with rich."""
