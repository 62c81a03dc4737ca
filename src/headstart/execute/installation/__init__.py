"""What is installed and found on this computer: `headstart doctor`."""
