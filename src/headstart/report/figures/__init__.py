"""Figures of a study as SVG text, one file for each."""
