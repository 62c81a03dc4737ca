"""ONNX model with 8-bit weights and activations, by onnxruntime's static quantiser."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.analyse.text import shorten
from headstart.core.errors import ExportError
from headstart.model.export.graph import MOST_SHOWN, quiet
from headstart.model.export.names import INPUT

if TYPE_CHECKING:
    from onnx import ModelProto

CALIBRATION_IMAGES = 128
AT_ONCE = 16


def quantised(proto: "ModelProto", pixels: np.ndarray) -> bytes:
    """The same model in int8: activation ranges from images, one scale for each output channel.

    Args:
        proto: the float model.
        pixels: training images, uint8 (n, height, width, channels); ranges are their extremes.

    Raises:
        ExportError: onnxruntime cannot quantise the network.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        prepared, written = Path(folder, "prepared.onnx"), Path(folder, "int8.onnx")
        try:
            with quiet():
                quant_pre_process(proto, prepared)
                quantize_static(
                    prepared,
                    written,
                    _CalibrationImages(pixels),
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                )
        except Exception as error:  # whatever a step of the quantiser meets
            reason = shorten(str(error).strip().partition("\n")[0], MOST_SHOWN)
            raise ExportError(
                f"onnxruntime cannot quantise this network: {reason} Export it without --int8."
            ) from error
        return _without_notes(written.read_bytes())


def _without_notes(content: bytes) -> bytes:
    """The model without what the quantiser notes in its metadata, where readers expect JSON."""
    import onnx

    proto = onnx.load_from_string(content)
    own = [prop for prop in proto.metadata_props if not prop.key.startswith("onnx.")]
    del proto.metadata_props[:]
    proto.metadata_props.extend(own)
    return bytes(proto.SerializeToString())


class _CalibrationImages:
    """Batches of images as the quantiser asks for them."""

    def __init__(self, pixels: np.ndarray) -> None:
        firsts = range(0, len(pixels), AT_ONCE)
        self._batches = iter([pixels[first : first + AT_ONCE] for first in firsts])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch by the name of the input; None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}
