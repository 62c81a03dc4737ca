"""Jobs of clusters: settings, the batch script of Slurm, the manifest of KubeRay."""
