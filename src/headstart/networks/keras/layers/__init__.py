"""Keras layers as torch modules, one translator a kind of layer."""
