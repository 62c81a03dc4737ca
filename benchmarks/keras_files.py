"""Keras files read natively against Keras on PyTorch: `python -m benchmarks.keras_files [FILE]`.

Time of a training step of a small CNN, both in this process, in turns; with a file of softmax
probabilities also the time to read it and the largest difference of probabilities.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from headstart.networks.keras.adapter import ADAPTER

BATCH, REPEATS, STEPS = 64, 15, 8
IMAGE = (32, 32, 3)


def main() -> None:
    """Prints the figures."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    threads = torch.get_num_threads()
    print(f"torch {torch.__version__}, Keras {keras.__version__}, {threads} threads")
    with tempfile.TemporaryDirectory() as folder:
        native, theirs = _steps(keras, str(Path(folder) / "cnn.keras"))
    times = [(_per_step(native), _per_step(theirs)) for _ in range(REPEATS)][1:]
    ours, others = (median(side) * 1000 for side in zip(*times, strict=True))
    ratio = median(other / own for own, other in times)
    print(f"training step, batch {BATCH}: {ours:.1f} ms, Keras {others:.1f} ms, ratio {ratio:.2f}")
    if len(sys.argv) > 1:
        _file(keras, sys.argv[1])


def _steps(keras: Any, name: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """A training step of the same network, native and by Keras on PyTorch."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(IMAGE)])
    for channels in (32, 64):
        model.add(layers.Conv2D(channels, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(10))
    model.save(name)
    native = ADAPTER.build(name, IMAGE, 10).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images, labels = torch.randn(BATCH, *IMAGE), torch.randint(10, (BATCH,))
    own = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return (
        _step(native, native.parameters(), images.permute(0, 3, 1, 2), labels),
        _step(lambda inputs: model(inputs, training=True), own, images, labels),
    )


def _step(
    network: Callable[[torch.Tensor], torch.Tensor],
    parameters: Any,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> Callable[[], None]:
    optimiser = torch.optim.SGD(parameters, lr=0.01, momentum=0.9)

    def step() -> None:
        optimiser.zero_grad()
        functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def _per_step(step: Callable[[], None]) -> float:
    begin = perf_counter()
    for _ in range(STEPS):
        step()
    return (perf_counter() - begin) / STEPS


def _file(keras: Any, name: str) -> None:
    begin = perf_counter()
    weights = ADAPTER.load(name)
    read = perf_counter() - begin
    facts = ADAPTER.input_facts(name)
    model = keras.models.load_model(name, compile=False)
    shape = model.input_shape[1:]
    pixels = np.random.default_rng(0).uniform(0, 255, (32, *shape)).astype(np.float32)
    if facts is None:
        pixels = pixels / 127.5 - 1
        ready = pixels
    else:
        ready = (pixels / 255 - np.array(facts.mean)) / np.array(facts.deviation)
    module: nn.Module = ADAPTER.build(name, shape, ADAPTER.classes(name)).eval()
    module.load_state_dict({key: torch.from_numpy(array) for key, array in weights.items()})
    with torch.no_grad():
        found = module(torch.tensor(ready, dtype=torch.float32).permute(0, 3, 1, 2)).softmax(1)
        expected = keras.ops.convert_to_numpy(model(pixels, training=False))
    print(f"{Path(name).name}: read in {read:.2f} s, {len(weights)} tensors")
    print(f"largest difference of probabilities: {np.abs(found.numpy() - expected).max():.1e}")


if __name__ == "__main__":
    main()
