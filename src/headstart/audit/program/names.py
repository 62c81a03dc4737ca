"""Dotted names of modules, functions and classes."""


def last_name(path: str) -> str:
    """The last part of a dotted name."""
    return path.rsplit(".", 1)[-1]


def canonical(path: str) -> str:
    """Dotted name with Keras called `keras`, whichever package it came in."""
    for prefix in ("tensorflow.compat.v1.", "tensorflow.compat.v2.", "tensorflow.python."):
        if path.startswith(prefix):
            path = "tensorflow." + path[len(prefix) :]
    for prefix in ("tensorflow.keras", "tf_keras", "keras.api", "keras.src"):
        if path == prefix or path.startswith(prefix + "."):
            return "keras" + path[len(prefix) :]
    return path
