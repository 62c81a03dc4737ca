"""What the five notebooks do, in Keras: model, compile, fit. Knows nothing of headstart.

Each function trains what `headstart run RECIPE --as-published` trains, in the notebook's own way:
the same layers, losses, optimisers, batch sizes, epochs and validation. KERAS_BACKEND chooses
TensorFlow or JAX. Accuracies are not looked at here; the recipes' pages compare them.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from benchmarks.data import read
from benchmarks.sides.amount import Amount
from benchmarks.sides.clock import Clock, hand_over

Pair = tuple[np.ndarray, np.ndarray]
Model = Any


def fit(
    clock: Clock,
    name: str,
    model: Model,
    train: Pair,
    validation: Pair,
    epochs: int,
    amount: Amount,
    *,
    batch: int = 32,
) -> None:
    """Time one `model.fit` as the notebooks time theirs."""
    rows = amount.rows(epochs, train[0])
    x, y = train[0][:rows], train[1][:rows]
    held_out: dict[str, Any] = {"validation_data": validation}
    if amount.short:
        first = 2 * batch + rows % batch  # every shape of a batch is met once before the clock
        model.fit(x[:first], y[:first], batch_size=batch, verbose=0)
        held_out = {}
    with clock(name):
        model.fit(x, y, batch_size=batch, epochs=amount.epochs(epochs), verbose=2, **held_out)


def mnist_parity(folder: Path, clock: Clock, amount: Amount) -> None:
    """Ten digits, then odd or even: from scratch, and on the frozen layers."""
    (train, parity), (valid, parity_valid) = _parity_data(folder)
    digits = _parity_model(10)
    _parity_compile(digits)
    fit(clock, "source", digits, train, valid, 10, amount)
    scratch = _parity_model(2)
    _parity_compile(scratch)
    fit(clock, "scratch", scratch, (train[0], parity), (valid[0], parity_valid), 10, amount)
    _parity_transfer(digits, clock, (train[0], parity), (valid[0], parity_valid), amount)


def mnist_parity_frozen(folder: Path, clock: Clock, amount: Amount) -> None:
    """The frozen arm alone; how well its trunk has learnt does not change the time."""
    (train, parity), (valid, parity_valid) = _parity_data(folder)
    digits = _parity_model(10)
    _parity_transfer(digits, clock, (train[0], parity), (valid[0], parity_valid), amount)


def _parity_data(folder: Path) -> tuple[tuple[Pair, np.ndarray], tuple[Pair, np.ndarray]]:
    x, y, _, _ = read(folder, "mnist")
    x = x / 255.0
    cut = len(x) // 12  # 5,000 of 60,000
    even = np.where(y % 2 == 0, 1, 0)
    return ((x[cut:], y[cut:]), even[cut:]), ((x[:cut], y[:cut]), even[:cut])


def _parity_model(classes: int) -> Model:
    return keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(300, kernel_initializer="he_normal"),
            layers.LeakyReLU(negative_slope=0.3),
            layers.Dense(100, kernel_initializer="he_normal"),
            layers.LeakyReLU(negative_slope=0.3),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def _parity_compile(model: Model) -> None:
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.SGD(learning_rate=1e-3),
        metrics=["accuracy"],
    )


def _parity_transfer(digits: Model, clock: Clock, train: Pair, valid: Pair, amount: Amount) -> None:
    for layer in digits.layers[:-1]:
        layer.trainable = False
    head = layers.Dense(2, activation="softmax")
    model = keras.Sequential([layers.Input((28, 28)), *digits.layers[:-1], head])
    _parity_compile(model)
    fit(clock, "frozen", model, train, valid, 10, amount)


def fashion_two_classes(folder: Path, clock: Clock, amount: Amount) -> None:
    """Eight kinds of clothes; then two, from scratch, and 10 + 50 epochs on 70 %."""
    x, y, x_test, y_test = read(folder, "fashion-mnist")
    scale = len(x) / 60_000
    two = (y == 0) | (y == 2)
    eight, eight_valid = _standardised(
        x[~two], np.unique(y[~two], return_inverse=True)[1], 5000 * scale
    )
    target, target_valid = _standardised(x[two], (y[two] == 0).astype(np.int64), 3000 * scale)
    source = _fashion_model(8, "softmax")
    _fashion_compile(source, "sparse_categorical_crossentropy")
    fit(clock, "source", source, eight, eight_valid, 20, amount)
    scratch = _fashion_model(1, "sigmoid")
    _fashion_compile(scratch, "binary_crossentropy")
    fit(clock, "scratch", scratch, target, target_valid, 20, amount)
    source.pop()
    source.add(layers.Dense(1, activation="sigmoid"))
    subset = (target[0][: int(0.7 * len(target[0]))], target[1][: int(0.7 * len(target[0]))])
    for trained, epochs in (False, 10), (True, 50):
        for layer in source.layers[:-1]:
            layer.trainable = trained
        _fashion_compile(source, "binary_crossentropy")
        fit(clock, "transfer", source, subset, target_valid, epochs, amount)
    if not amount.short:
        with clock("test"):
            scratch.evaluate(x_test[y_test == 0], np.zeros((y_test == 0).sum()), verbose=2)


def _standardised(x: np.ndarray, y: np.ndarray, held_out: float) -> tuple[Pair, Pair]:
    cut = round(held_out)
    mean, deviation = x[cut:].mean(axis=0), x[cut:].std(axis=0) + 1e-6
    scaled = (x - mean) / deviation
    return (scaled[cut:], y[cut:]), (scaled[:cut], y[:cut])


def _fashion_model(units: int, activation: str) -> Model:
    hidden = [
        layers.Dense(100, activation="relu", kernel_initializer="he_normal") for _ in range(3)
    ]
    last = layers.Dense(units, activation=activation)
    return keras.Sequential([layers.Input((28, 28)), layers.Flatten(), *hidden, last])


def _fashion_compile(model: Model, loss: str) -> None:
    model.compile(
        loss=loss, optimizer=keras.optimizers.SGD(learning_rate=0.001), metrics=["accuracy"]
    )


def mnist_halves(folder: Path, clock: Clock, amount: Amount) -> None:
    """A source run, then its dense layers on the digits 0-4: as run (0-4) and as told (5-9)."""
    x, y, x_test, y_test = read(folder, "mnist")
    low = _halves_data(x, y, y < 5, 0), _halves_data(x_test, y_test, y_test < 5, 0)
    high = _halves_data(x, y, y >= 5, 5), _halves_data(x_test, y_test, y_test >= 5, 5)
    for name, (train, test) in ("as run", low), ("as told", high):
        features = [
            layers.Conv2D(32, 3, padding="valid"),
            layers.Activation("relu"),
            layers.Conv2D(32, 3),
            layers.Activation("relu"),
            layers.MaxPooling2D(pool_size=2),
            layers.Dropout(0.25),
            layers.Flatten(),
        ]
        classes = [
            layers.Dense(128),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.Dense(5),
            layers.Activation("softmax"),
        ]
        model = keras.Sequential([layers.Input((28, 28, 1)), *features, *classes])
        _halves_train(model, clock, f"source {name}", train, test, amount)
        for layer in features:
            layer.trainable = False
        _halves_train(model, clock, f"transfer {name}", *low, amount)


def _halves_data(x: np.ndarray, y: np.ndarray, kept: np.ndarray, first: int) -> Pair:
    images = x[kept].reshape(-1, 28, 28, 1).astype("float32") / 255
    return images, keras.utils.to_categorical(y[kept] - first, 5)


def _halves_train(
    model: Model, clock: Clock, name: str, train: Pair, test: Pair, amount: Amount
) -> None:
    model.compile(loss="categorical_crossentropy", optimizer="adadelta", metrics=["accuracy"])
    fit(clock, name, model, train, test, 5, amount, batch=128)
    if not amount.short:
        with clock("test"):
            model.evaluate(*test, verbose=0)


def cifar_halves(folder: Path, clock: Clock, amount: Amount) -> None:
    """Source; the target classes from scratch; head only; last hidden layer and head."""
    low, low_test, high, high_test = _cifar_data(folder)
    source = _cifar_model()
    _cifar_train(source, clock, "source", low, low_test, amount)
    _cifar_train(_cifar_model(), clock, "scratch", high, high_test, amount)
    for name, trained in ("model_2", (-1,)), ("model_3", (-3, -1)):
        model = keras.models.clone_model(source)
        model.set_weights(source.get_weights())
        _cifar_tune(model, clock, name, trained, high, high_test, amount)


def cifar_halves_frozen(folder: Path, clock: Clock, amount: Amount) -> None:
    """The head alone on a frozen trunk, whose dropout Keras keeps active."""
    _, _, high, high_test = _cifar_data(folder)
    _cifar_tune(_cifar_model(), clock, "frozen", (-1,), high, high_test, amount)


def _cifar_data(folder: Path) -> tuple[Pair, Pair, Pair, Pair]:
    x, y, x_test, y_test = read(folder, "cifar10")
    parts = []
    for images, labels in (x, y), (x_test, y_test):
        for half in (0, 5):
            kept = (labels >= half) & (labels < half + 5)
            parts.append((images[kept], keras.utils.to_categorical(labels[kept] - half, 5)))
    low, high, low_test, high_test = parts
    return low, low_test, high, high_test


def _cifar_model() -> Model:
    return keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2), strides=2),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(5, activation="softmax"),
        ]
    )


def _cifar_train(
    model: Model, clock: Clock, name: str, train: Pair, test: Pair, amount: Amount
) -> None:
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=1e-3),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    fit(clock, name, model, train, test, 10, amount, batch=64)
    if not amount.short:
        with clock("test"):
            model.evaluate(*test, verbose=0)


def _cifar_tune(
    model: Model,
    clock: Clock,
    name: str,
    trained: Sequence[int],
    train: Pair,
    test: Pair,
    amount: Amount,
) -> None:
    for layer in model.layers:
        layer.trainable = False
    for index in trained:
        model.layers[index].trainable = True
    _cifar_train(model, clock, name, train, test, amount)


def mnist_fashion(folder: Path, clock: Clock, amount: Amount) -> None:
    """Three pairs of tasks; each "transfer" has a fresh trunk and the head of another model."""
    digits, clothes = (_plain_data(folder, name) for name in ("mnist", "fashion-mnist"))
    low, high = (_cut(*digits[:2], kept) for kept in (digits[1] < 7, digits[1] >= 7))
    _stitched(clock, "7-9", 7, low, high, amount)
    first, second = (digits[:2], digits[2:]), (clothes[:2], clothes[2:])
    _stitched(clock, "mnist", 10, second, first, amount)
    model = _stitched(clock, "fashion", 10, first, second, amount)
    train, test = second
    trunk, head = model.layers
    trunk.trainable = False
    _tensors(model, clock, "frozen trunk", train, test, amount)
    trunk.trainable, head.trainable = True, False
    _tensors(model, clock, "frozen head", train, test, amount)
    renewed = keras.Sequential([trunk, layers.Dense(10, activation="softmax")])
    _tensors(renewed, clock, "new head", train, test, amount)


def _plain_data(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, y, x_test, y_test = read(folder, name)
    first, second = ((i / 255.0).astype(np.float32).reshape(-1, 28, 28, 1) for i in (x, x_test))
    return first, y.astype(np.int32), second, y_test.astype(np.int32)


def _cut(x: np.ndarray, y: np.ndarray, kept: np.ndarray) -> tuple[Pair, Pair]:
    x, y = x[kept], y[kept]
    limit = int(0.8 * len(x))
    return (x[:limit], y[:limit]), (x[limit:-1], y[limit:-1])


def _stitched(
    clock: Clock,
    name: str,
    source_classes: int,
    source: tuple[Pair, Pair],
    target: tuple[Pair, Pair],
    amount: Amount,
) -> Model:
    """Source and target from scratch; then a clone of the source's trunk under the other's head."""
    first, second = _small_cnn(source_classes), _small_cnn(10)
    _tensors(first, clock, f"{name}: source", *source, amount)
    _tensors(second, clock, f"{name}: scratch", *target, amount)
    clone = keras.models.clone_model(first)
    trunk = keras.Model(clone.inputs, clone.layers[-2].output)
    model = keras.Sequential([trunk, second.layers[-1]])
    _tensors(model, clock, f"{name}: transfer", *target, amount)
    return model


def _small_cnn(classes: int) -> Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(10, kernel_size=(3, 3)),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dense(15, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def _tensors(
    model: Model, clock: Clock, name: str, train: Pair, test: Pair, amount: Amount
) -> None:
    """Train from a tf.data pipeline, as this notebook does, without validation."""
    import tensorflow as tf

    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    rows = amount.rows(10, train[0])
    part = (train[0][:rows], train[1][:rows])
    batches = tf.data.Dataset.from_tensor_slices(part).shuffle(5000).batch(64)
    if amount.short:
        first = 128 + rows % 64
        few = tf.data.Dataset.from_tensor_slices((part[0][:first], part[1][:first])).batch(64)
        model.fit(few, verbose=0)
    with clock(name):
        model.fit(batches, epochs=amount.epochs(10), verbose=2)
    if not amount.short:
        with clock("test"):
            model.evaluate(*test, batch_size=32, verbose=2)


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
