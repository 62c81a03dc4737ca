"""What was computed, found again by its key: SQLite rows and safetensors blobs in one folder."""
