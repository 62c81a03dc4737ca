"""Reports of an Analysis: terminal, HTML page, figures, CSV tables, JSON document."""
