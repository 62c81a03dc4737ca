"""What a job asks of a node of a Ray cluster: cores, memory, and a share of a GPU."""

from headstart.execute.gpus import gpu_share

PROCESS = 600_000_000  # bytes of a worker before it computes anything: PyTorch is most of it
CAP = 0.95  # of a node's memory: a job that asks for more than any node has would wait for ever


def resources(
    threads: int, needed: int, gpu_bytes: int | None, node_memory: float
) -> dict[str, float]:
    """Ray's options for a job.

    Args:
        threads: that it uses, a core each.
        needed: bytes of its largest training, by estimate.
        gpu_bytes: of the smallest GPU, 0 where it is not known; None for a cluster without GPUs.
        node_memory: bytes that Ray may give away on the largest node; 0 without any node.
    """
    asked: dict[str, float] = {"num_cpus": threads}
    if gpu_bytes is not None:
        asked["num_gpus"] = gpu_share(needed, gpu_bytes)
    if node_memory:
        asked["memory"] = int(min(PROCESS + needed, CAP * node_memory))
    return asked
