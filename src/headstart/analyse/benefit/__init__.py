"""Benefit of transfer: labels, updates and operations saved, calibration, classes, forgetting."""
