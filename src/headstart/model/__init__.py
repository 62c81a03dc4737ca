"""A trained model outside its study: predictions for new images, and files for other programs."""
