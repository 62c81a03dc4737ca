"""Where steps run: in this process or in worker processes."""
