"""Code that the examples of several rules begin or end with."""

MNIST = """
from tensorflow import keras
(x, y), (x_new, y_new) = keras.datasets.mnist.load_data()
x, x_new = x / 255.0, x_new / 255.0
"""
MNIST_KERAS = f"""{MNIST}
net = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])
net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""
SOURCE = f"""{MNIST}
keras.utils.set_random_seed(1)
low, high, new = x[y < 5], x[y >= 5], x_new[y_new >= 5]
low_labels, high_labels, new_labels = y[y < 5], y[y >= 5] - 5, y_new[y_new >= 5] - 5
def build():
    net = keras.Sequential([keras.layers.Dense(9), keras.layers.Dense(5)])
    net.compile("adam", "mse")
    return net
source = build()
source.fit(low, low_labels, epochs=3)
"""
TRANSFER = """
moved = keras.Sequential([*source.layers[:-1], keras.layers.Dense(5)])
moved.compile("adam", "mse")
moved.fit(high, high_labels, epochs=3)
moved.evaluate(new, new_labels)
"""
SCRATCH = """
scratch = build()
scratch.fit(high, high_labels, epochs=3)
scratch.evaluate(new, new_labels)
"""
