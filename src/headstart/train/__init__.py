"""Phases in, curves and weights out. Takes arrays and specs, knows no store and no strategy."""
