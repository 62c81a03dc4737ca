"""Experiment trackers that a study is written to: MLflow, TensorBoard, Weights and Biases."""
