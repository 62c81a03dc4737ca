"""The frozen Analysis as text, figures, one HTML file and JSON. Computes no statistic."""
