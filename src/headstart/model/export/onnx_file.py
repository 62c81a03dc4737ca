"""Trained model as an ONNX file with its classes and its origin in it."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import ExportError
from headstart.model.export.agreement import Answer
from headstart.model.export.graph import quiet, traced
from headstart.model.export.names import INPUT, OUTPUT
from headstart.model.trained import TrainedModel

if TYPE_CHECKING:
    from onnx import ModelProto

NEEDED = ("onnx", "onnxscript", "onnxruntime")


def onnx_model(model: TrainedModel, metadata: Mapping[str, str]) -> "ModelProto":
    """The graph of a model in ONNX, with metadata that every reader of ONNX shows.

    Raises:
        ExportError: ONNX has nothing for an operation of the network.
    """
    import torch

    require_onnx()
    program = traced(model)
    try:
        with quiet(), torch.no_grad():
            made: Any = torch.onnx.export(
                program,
                (),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                external_data=False,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        found = re.search(r"op='([\w.:]+)'", str(error))
        operation = f"operation {found[1]}" if found else "one of its operations"
        raise ExportError(
            f"network '{model.network_name}' cannot be written as ONNX: there is no translation of "
            f"{operation}. Allowed for it: a FILE that ends in .pt2 or .safetensors."
        ) from error
    proto: ModelProto = made.model_proto
    _name_batch(proto)
    for name, text in metadata.items():
        proto.metadata_props.add(key=name, value=text)
    return proto


def _name_batch(proto: "ModelProto") -> None:
    """Call the number of images `batch`, where PyTorch has a number for it."""
    (given,) = proto.graph.input
    called = given.type.tensor_type.shape.dim[0].dim_param
    assert called, "it was traced for any number of images"
    for value in (given, *proto.graph.output, *proto.graph.value_info):
        for side in value.type.tensor_type.shape.dim:
            if side.dim_param:
                side.dim_param = re.sub(rf"\b{called}\b", "batch", side.dim_param)


def in_onnxruntime(content: bytes) -> Answer:
    """Answers of onnxruntime to pixels, for the bytes of an ONNX file."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def answer(pixels: np.ndarray) -> np.ndarray:
        (probabilities,) = session.run([OUTPUT], {INPUT: pixels})
        return np.asarray(probabilities)

    return answer


def require_onnx() -> None:
    """Raise an ExportError where what ONNX files need is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ExportError(
            f"ONNX files need {', '.join(missing)}, not installed here: "
            "pip install 'headstart[export]'"
        )
