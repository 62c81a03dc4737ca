"""The five notebooks in plain PyTorch, with a DataLoader, as PyTorch's own tutorials write it.

A training loop over a shuffling DataLoader of a TensorDataset, a loss, zero_grad, backward, step,
and a test loop after every epoch; frozen layers have `requires_grad = False` and are run at every
update. Knows nothing of headstart.
"""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.data import read
from benchmarks.sides.amount import Amount
from benchmarks.sides.clock import Clock, hand_over

Set = TensorDataset
Loader = DataLoader[tuple[Tensor, ...]]
MakeOptimiser = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


def train(loader: Loader, model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """One epoch."""
    loss_of = nn.CrossEntropyLoss()
    model.train()
    for number, (inputs, labels) in enumerate(loader):
        loss = loss_of(model(inputs), labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        if number % 100 == 0:
            print(f"loss: {loss.item():.4f}")


def test(loader: Loader, model: nn.Module) -> float:
    """Accuracy."""
    model.eval()
    right, images = 0.0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += (model(inputs).argmax(1) == labels).type(torch.float).sum().item()
            images += len(labels)
    return right / images


def fit(
    clock: Clock,
    name: str,
    model: nn.Module,
    optimiser: MakeOptimiser,
    data: tuple[Set, Set],
    epochs: int,
    amount: Amount,
    batch: int = 32,
) -> None:
    """Time the epochs of one training."""
    images, labels = data[0].tensors
    rows = amount.rows(epochs, images.numpy())
    part = TensorDataset(images[:rows], labels[:rows])
    training = DataLoader(part, batch_size=batch, shuffle=True)
    testing = DataLoader(data[1], batch_size=batch)
    ours = optimiser(p for p in model.parameters() if p.requires_grad)
    with clock(name):
        for _ in range(amount.epochs(epochs)):
            train(training, model, ours)
            if not amount.short:
                test(testing, model)


def freeze(layers: Iterable[nn.Module], *, frozen: bool = True) -> None:
    """Take the layers' parameters out of training, or put them back."""
    for layer in layers:
        layer.requires_grad_(not frozen)


def slow_sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of the two dense notebooks."""
    return torch.optim.SGD(parameters, lr=1e-3)


def mnist_parity(folder: Path, clock: Clock, amount: Amount) -> None:
    """Ten digits, then odd or even: from scratch, and on the frozen layers."""
    digits, parity = _parity_data(folder)
    source = _parity_model(10)
    fit(clock, "source", source, slow_sgd, digits, 10, amount)
    fit(clock, "scratch", _parity_model(2), slow_sgd, parity, 10, amount)
    _parity_transfer(source, clock, parity, amount)


def mnist_parity_frozen(folder: Path, clock: Clock, amount: Amount) -> None:
    """The frozen arm alone."""
    _parity_transfer(_parity_model(10), clock, _parity_data(folder)[1], amount)


def _parity_transfer(
    source: nn.Sequential, clock: Clock, data: tuple[Set, Set], amount: Amount
) -> None:
    freeze(source.children())
    model = nn.Sequential(*list(source.children())[:-1], nn.Linear(100, 2))
    fit(clock, "frozen", model, slow_sgd, data, 10, amount)


def _parity_model(classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 300),
        nn.LeakyReLU(0.3),
        nn.Linear(300, 100),
        nn.LeakyReLU(0.3),
        nn.Linear(100, classes),
    )


def _parity_data(folder: Path) -> tuple[tuple[Set, Set], tuple[Set, Set]]:
    x, y, _, _ = read(folder, "mnist")
    x, cut = (x / 255).astype(np.float32), len(x) // 12
    return _sets(x[cut:], y[cut:], x[:cut], y[:cut]), _sets(
        x[cut:], y[cut:] % 2 == 0, x[:cut], y[:cut] % 2 == 0
    )


def _sets(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> tuple[Set, Set]:
    first, second = (
        TensorDataset(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))
        for images, labels in ((x, y), (x_test, y_test))
    )
    return first, second


def fashion_two_classes(folder: Path, clock: Clock, amount: Amount) -> None:
    """Eight kinds of clothes; then two, from scratch, and 10 + 50 epochs on 70 %."""
    x, y, _, _ = read(folder, "fashion-mnist")
    scale, two = len(x) / 60_000, (y == 0) | (y == 2)
    eight = _standardised(x[~two], np.unique(y[~two], return_inverse=True)[1], 5000 * scale)
    pair = _standardised(x[two], y[two] == 0, 3000 * scale)
    source = _fashion_model(8)
    fit(clock, "source", source, slow_sgd, eight, 20, amount)
    fit(clock, "scratch", _fashion_model(2), slow_sgd, pair, 20, amount)
    images, labels = pair[0].tensors
    kept = int(0.7 * len(images))
    subset = TensorDataset(images[:kept], labels[:kept])
    model = nn.Sequential(*list(source.children())[:-1], nn.Linear(100, 2))
    for frozen, epochs in (True, 10), (False, 50):
        freeze(list(model.children())[:-1], frozen=frozen)
        fit(clock, "transfer", model, slow_sgd, (subset, pair[1]), epochs, amount)


def _standardised(x: np.ndarray, y: np.ndarray, held_out: float) -> tuple[Set, Set]:
    cut = round(held_out)
    scaled = ((x - x[cut:].mean(0)) / (x[cut:].std(0) + 1e-6)).astype(np.float32)
    return _sets(scaled[cut:], y[cut:], scaled[:cut], y[:cut])


def _fashion_model(classes: int) -> nn.Sequential:
    hidden = [nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU()]
    return nn.Sequential(
        nn.Flatten(), *hidden, nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, classes)
    )


def mnist_halves(folder: Path, clock: Clock, amount: Amount) -> None:
    """A source run, then its dense layers on the digits 0-4: as run (0-4) and as told (5-9)."""
    halves = _halves(folder, "mnist", 255)
    for name, data in ("as run", halves[0]), ("as told", halves[1]):
        model = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(),
            nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
            nn.Linear(32 * 12 * 12, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 5),
        )  # fmt: skip
        fit(clock, f"source {name}", model, _adadelta, data, 5, amount, 128)
        freeze(list(model.children())[:7])
        fit(clock, f"transfer {name}", model, _adadelta, halves[0], 5, amount, 128)


def _adadelta(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Adadelta(parameters, lr=1e-3, rho=0.95, eps=1e-7)


def _halves(folder: Path, name: str, scale: int) -> list[tuple[Set, Set]]:
    x, y, x_test, y_test = read(folder, name)
    x, x_test = (_channels_first(images) / np.float32(scale) for images in (x, x_test))
    kept = [(y // 5 == half, y_test // 5 == half) for half in (0, 1)]
    return [_sets(x[a], y[a] % 5, x_test[b], y_test[b] % 5) for a, b in kept]


def _channels_first(images: np.ndarray) -> np.ndarray:
    images = images[..., None] if images.ndim == 3 else images
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2).astype(np.float32))


def cifar_halves(folder: Path, clock: Clock, amount: Amount) -> None:
    """Source; the target classes from scratch; head only; last hidden layer and head."""
    low, high = _halves(folder, "cifar10", 1)
    source = _cifar_model()
    fit(clock, "source", source, _rmsprop, low, 10, amount, 64)
    fit(clock, "scratch", _cifar_model(), _rmsprop, high, 10, amount, 64)
    for name, trained in ("model_2", (-1,)), ("model_3", (-4, -1)):
        model = _cifar_model()
        model.load_state_dict(source.state_dict())
        freeze(model.children())
        freeze((model[index] for index in trained), frozen=False)
        fit(clock, name, model, _rmsprop, high, 10, amount, 64)


def cifar_halves_frozen(folder: Path, clock: Clock, amount: Amount) -> None:
    """The head alone on a frozen trunk, dropout active as in the notebook."""
    model = _cifar_model()
    freeze(list(model.children())[:-1])
    fit(clock, "frozen", model, _rmsprop, _halves(folder, "cifar10", 1)[1], 10, amount, 64)


def _rmsprop(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1e-7)


def _cifar_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(0.2), nn.Flatten(),
        nn.Linear(64 * 14 * 14, 128), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5),
    )  # fmt: skip


def mnist_fashion(folder: Path, clock: Clock, amount: Amount) -> None:
    """Three pairs of tasks; each "transfer" has a fresh trunk and the head of another model."""
    digits, clothes = (_plain(folder, name) for name in ("mnist", "fashion-mnist"))
    low, high = (_cut(digits[0], first, last) for first, last in ((0, 6), (7, 9)))
    _stitched(clock, "7-9", 7, low, high, amount)
    _stitched(clock, "mnist", 10, clothes, digits, amount)
    model = _stitched(clock, "fashion", 10, digits, clothes, amount)
    *trunk, head = model.children()
    freeze(trunk)
    _adam_fit(model, clock, "frozen trunk", clothes, amount)
    freeze(trunk, frozen=False)
    freeze([head])
    _adam_fit(model, clock, "frozen head", clothes, amount)
    renewed = nn.Sequential(*trunk, nn.Linear(15, 10))
    _adam_fit(renewed, clock, "new head", clothes, amount)


def _plain(folder: Path, name: str) -> tuple[Set, Set]:
    x, y, x_test, y_test = read(folder, name)
    first, second = (_channels_first(images) / np.float32(255) for images in (x, x_test))
    return _sets(first, y, second, y_test)


def _cut(data: Set, first: int, last: int) -> tuple[Set, Set]:
    images, labels = data.tensors
    kept = (labels >= first) & (labels <= last)
    images, labels = images[kept], labels[kept]
    limit = int(0.8 * len(images))
    return (
        TensorDataset(images[:limit], labels[:limit]),
        TensorDataset(images[limit:-1], labels[limit:-1]),
    )


def _stitched(
    clock: Clock,
    name: str,
    source_classes: int,
    source: tuple[Set, Set],
    target: tuple[Set, Set],
    amount: Amount,
) -> nn.Sequential:
    first, second = _small_cnn(source_classes), _small_cnn(10)
    _adam_fit(first, clock, f"{name}: source", source, amount)
    _adam_fit(second, clock, f"{name}: scratch", target, amount)
    model = nn.Sequential(*list(_small_cnn(10).children())[:-1], second[-1])
    _adam_fit(model, clock, f"{name}: transfer", target, amount)
    return model


def _small_cnn(classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(1690, 15), nn.ReLU(), nn.Dropout(0.3), nn.Linear(15, classes),
    )  # fmt: skip


def _adam_fit(
    model: nn.Module, clock: Clock, name: str, data: tuple[Set, Set], amount: Amount
) -> None:
    # The notebook measures nothing while it trains.
    small = TensorDataset(*(tensor[:1] for tensor in data[1].tensors))
    fit(clock, name, model, torch.optim.Adam, (data[0], small), 10, amount, 64)
    if not amount.short:
        with clock("test"):
            test(DataLoader(data[1], batch_size=64), model)


NOTEBOOKS: dict[str, Callable[[Path, Clock, Amount], None]] = {
    "mnist-parity": mnist_parity,
    "mnist-parity:frozen": mnist_parity_frozen,
    "fashion-two-classes": fashion_two_classes,
    "mnist-fashion": mnist_fashion,
    "mnist-halves": mnist_halves,
    "cifar-halves": cifar_halves,
    "cifar-halves:frozen": cifar_halves_frozen,
}


def main() -> None:
    """Run one notebook and hand over its times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", choices=NOTEBOOKS)
    parser.add_argument("share", type=float)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    clock = Clock()
    NOTEBOOKS[given.notebook](given.folder, clock, Amount(given.share))
    hand_over(given.out, clock.seconds)


if __name__ == "__main__":
    main()
