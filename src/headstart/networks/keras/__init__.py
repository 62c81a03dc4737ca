"""Keras files read without Keras: the graph, its layers as torch modules, their weights."""
