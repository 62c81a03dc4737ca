"""Content-addressed store of finished steps: SQLite rows and safetensors blobs in one folder."""
