"""What a notebook shows and takes: cells, figures, tables."""
