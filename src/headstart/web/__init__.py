"""The live page: studies of stores in a browser of this machine. Reads stores, and runs nothing."""
