"""Readers of data set files: idx, CIFAR's batches, image trees, archives."""
