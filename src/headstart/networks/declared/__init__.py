"""Networks that a study file declares: first weights (without torch) and modules."""
