"""Networks: first weights (without torch) and modules (with it)."""
