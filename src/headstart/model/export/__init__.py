"""Files of a trained model for other programs, each checked before it is in its place."""
