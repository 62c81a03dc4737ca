"""What a program does, read from its text: an abstract interpreter for training code."""
