"""What the head start is worth: in labels, updates, operations, calibration and classes."""
