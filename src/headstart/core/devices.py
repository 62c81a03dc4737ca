"""Kinds of device: what computes alike, as far as its name says."""

from headstart.core.hashing import Json


def device_kind(environment: Json) -> str:
    """The kind of device that a recorded environment names.

    Of a GPU it is the model. Of a processor it is the model too, for libraries choose their
    instructions, and so the order of sums, by it.
    """
    device = str(environment.get("device", "cpu"))
    processor = str(environment.get("processor", "an unknown processor"))
    return {"cpu": processor, "mps": f"the GPU of {processor}"}.get(device, device)
