"""Pretrained weights: files found, read without running code, and matched with a network."""
