"""Extras of the package: which are installed, what is missing, and the line that installs it.

What they need is read from the metadata of the installed package, as pip reads it.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata

from packaging.requirements import Requirement

from headstart.execute.installation.diagnosis import Extra

EXTRAS = {
    "photos": "networks and weights for photos",
    "timm": "networks of timm",
    "torchvision": "its networks; augmentation",
    "hf": "networks of Hugging Face",
    "keras": ".keras and .h5 files",
    "export": "models as ONNX files",
    "sklearn": "TransferClassifier",
    "heic": "photos of phones, in HEIC",
    "parquet": "results in Parquet files",
    "ray": "a Ray cluster",
    "slurm": "jobs of Slurm",
    "notebook": "tables and figures in a notebook",
    "mlflow": "the tracker MLflow",
    "tensorboard": "the tracker TensorBoard",
    "wandb": "the tracker Weights & Biases",
    "web": "a live page of runs",
}
"""What each brings a user; `all` is all of them, and others are for work on headstart itself."""


def declared_requirements() -> tuple[Requirement, ...]:
    """What the package declares.

    Raises:
        PackageNotFoundError: headstart is run from its source and not installed.
    """
    return tuple(map(Requirement, metadata.requires("headstart") or ()))


def required(declared: Sequence[Requirement], extra: str = "") -> Iterator[Requirement]:
    """What an extra needs on this Python; without a name, what headstart itself needs."""
    for one in declared:
        if not _applies(one, extra):
            continue
        if one.name == "headstart":
            for inner in sorted(one.extras):
                yield from required(declared, inner)
        else:
            yield one


def unmet(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """What is wrong with each requirement that is not met, once: missing, or another version."""
    wrong = {one.name: _wrong(one) for one in requirements}
    return tuple(text for text in wrong.values() if text)


def extras(declared: Sequence[Requirement]) -> tuple[Extra, ...]:
    """Every extra for users, and what of it is missing; none where nothing is declared."""
    found: list[Extra] = []
    if not declared:
        return ()
    for name, what in EXTRAS.items():
        needs = tuple(required(declared, name))
        found.append(
            Extra(
                name=name,
                what=what,
                available=bool(needs),
                missing=unmet(needs),
                install=f"pip install 'headstart[{name}]'",
            )
        )
    return tuple(found)


def versions(declared: Sequence[Requirement]) -> dict[str, str]:
    """Versions of the installed packages that headstart or an extra for users asks for."""
    asked = [one for extra in ("", *EXTRAS) for one in required(declared, extra)]
    found = {one.name: _version(one.name) for one in asked}
    return {name: version for name, version in found.items() if version}


def _applies(one: Requirement, extra: str) -> bool:
    """Whether it is for that extra; what every installation needs is for none."""
    if one.marker is None or one.marker.evaluate({"extra": ""}):
        return not extra
    return bool(extra) and one.marker.evaluate({"extra": extra})


def _wrong(one: Requirement) -> str:
    version = _version(one.name)
    if not version:
        return f"{one.name} is not installed"
    if not one.specifier.contains(version, prereleases=True):
        return f"{one.name} {version} is installed, needed is {one.specifier}"
    return ""


def _version(name: str) -> str:
    """Version of an installed package, which is not imported; empty where it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
