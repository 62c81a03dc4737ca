"""Names of the input and the output of exported graphs."""

INPUT, OUTPUT = "pixels", "probabilities"
