"""Trained model as a `.pt2` file: PyTorch's exported program."""

import io
from collections.abc import Mapping

import numpy as np
import torch

from headstart.model.export.agreement import Answer
from headstart.model.export.graph import quiet, traced
from headstart.model.trained import TrainedModel


def pt2_bytes(model: TrainedModel, metadata: Mapping[str, str]) -> bytes:
    """The file: opened by `torch.export.load`, which needs neither headstart nor the network."""
    program, file = traced(model), io.BytesIO()
    with quiet():
        torch.export.save(program, file, extra_files=dict(metadata))
    return file.getvalue()


def in_torch(content: bytes) -> Answer:
    """Answers of the program in a file to pixels."""
    with quiet():
        module = torch.export.load(io.BytesIO(content)).module()

    def answer(pixels: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(module(torch.from_numpy(pixels)))

    return answer
