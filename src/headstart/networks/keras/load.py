"""A Keras file opened by Keras itself, on whatever it runs."""

from pathlib import Path
from typing import Any

from headstart.core.errors import NetworkError


def load_model(keras: Any, path: Path) -> Any:
    """The model in a file, by the Keras given. No code in the file is run.

    Raises:
        NetworkError: the file is not there, or Keras refuses it.
    """
    if not path.exists():
        raise NetworkError(f"{path} is not there. Name a .keras or .h5 file that Keras saved.")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever a layer raises
        reason = str(error).strip().split("\n", 1)[0].rstrip(".")
        raise NetworkError(
            f"{path}: Keras cannot open it: {reason}. Name a file of a whole model, as model.save "
            "writes it, not of weights alone."
        ) from error
