"""Places where weight files lie on a computer. Each says what was seen there."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from headstart.core.files import cache_folder
from headstart.networks.checkpoints.catalogue import KnownFile
from headstart.networks.checkpoints.errors import fault
from headstart.networks.checkpoints.file_hash import file_hash

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".pth.tar")
FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
"""Weight files of a folder that timm or transformers wrote; the first that is there counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place looked at, what was seen there, and the weight file if there is one."""

    what: str
    seen: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.seen}"


def installed_packages(known_files: Iterable[KnownFile]) -> list[Place]:
    """Packages of the catalogue that bring a file. They are found, not imported."""
    return [_package(known) for known in known_files if known.package]


def torch_cache(name: str, known_files: Iterable[KnownFile]) -> Place:
    """Downloads of torch.hub and torchvision: NAME-HASH.pth, or a file of the catalogue."""
    folder = _torch_home() / "hub" / "checkpoints"
    what = f"torch's cache ({folder})"
    pattern = re.compile(re.escape(name.replace(".", "_")) + r"-[0-9a-f]{8,64}\.(pth|pt)")
    names = {known.file for known in known_files}
    files = [path for path in _files(folder) if path.name in names or pattern.fullmatch(path.name)]
    torn = [path for path in files if not _hash_agrees(path)]
    if torn and len(torn) == len(files):
        names_of_torn = ", ".join(path.name for path in torn)
        return Place(what=what, seen=f"{names_of_torn} is torn: its hash is not the one it names")
    return _one(what, [path for path in files if path not in torn])


def huggingface_cache(name: str) -> Place:
    """Files of timm's repositories in the cache of the Hugging Face hub.

    A name without a tag (`resnet18`) stands for any (`resnet18.a1_in1k`), if there is but one.
    """
    folder = _huggingface_hub()
    what = f"Hugging Face's cache ({folder})"
    names = [f"models--timm--{name}", *([] if "." in name else [f"models--timm--{name}.*"])]
    repositories = [path for pattern in names for path in sorted(_glob(folder, pattern))]
    return _one(what, [file for path in repositories for file in _snapshot_file(path)])


def huggingface_names() -> list[str]:
    """Names of timm's repositories in the cache of the Hugging Face hub."""
    return [
        path.name.removeprefix("models--timm--")
        for path in sorted(_glob(_huggingface_hub(), "models--timm--*"))
    ]


def weights_of_user(library: str, name: str, known_files: Iterable[KnownFile]) -> Place:
    """Files that the user put into headstart's cache."""
    folder = weights_folder()
    own = folder / library
    candidates = [
        *(own / f"{name}{suffix}" for suffix in SUFFIXES),
        *(own / name / file for file in FOLDER_FILES),
        *(folder / known.file for known in known_files),
    ]
    found = [path for path in candidates if path.is_file()]
    return _one(f"headstart's cache ({folder})", found[:1])


def weights_folder() -> Path:
    """Where users put weight files: FILE of the catalogue, or LIBRARY/NAME.safetensors."""
    return cache_folder() / "weights"


def _package(known: KnownFile) -> Place:
    what = f"package {known.package}"
    spec = find_spec(known.module)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        return Place(what=what, seen="not installed")
    path = Path(folders[0], *known.member.split("/"))
    if not path.is_file():
        return Place(what=what, seen=f"installed without {known.member}")
    if file_hash(path) != known.sha256:
        return Place(what=what, seen=f"{path} is not the file that is known (another SHA-256)")
    return Place(what=what, seen="found", path=path)


def _one(what: str, paths: list[Path]) -> Place:
    """A place with one file or none.

    Raises:
        CheckpointError: there are several.
    """
    if len(paths) > 1:
        raise fault(
            what,
            f"holds several files for this network: {', '.join(map(str, paths))}.",
            fix="Give the path of the one you mean, or the full name with its tag.",
        )
    return Place(what=what, seen="found" if paths else "nothing", path=paths[0] if paths else None)


def _hash_agrees(path: Path) -> bool:
    """Whether a file's SHA-256 begins with the hash in its name, as torch.hub demands."""
    return file_hash(path).startswith(path.stem.rpartition("-")[2])


def huggingface_snapshots(name: str) -> list[Path]:
    """Folders of a repository (`google/vit-base-patch16-224`) in the cache of the hub."""
    return _snapshots(_huggingface_hub() / f"models--{name.replace('/', '--')}")


def _snapshot_file(repository: Path) -> list[Path]:
    """The weight file of a repository's current snapshot."""
    found = [folder / file for folder in _snapshots(repository) for file in FOLDER_FILES]
    return [path for path in found if path.is_file()][:1]


def _snapshots(repository: Path) -> list[Path]:
    """The current snapshot of a repository, or all where none is current."""
    snapshots = repository / "snapshots"
    current = repository / "refs" / "main"
    if current.is_file():
        return [snapshots / current.read_text().strip()]
    return sorted(_glob(snapshots, "*"))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in _glob(folder, "*") if path.is_file())


def _glob(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern)) if folder.is_dir() else []


def _torch_home() -> Path:
    """As torch.hub has it, which is slow to import."""
    return Path(os.environ.get("TORCH_HOME", _user_cache() / "torch")).expanduser()


def _huggingface_hub() -> Path:
    """As huggingface_hub has it, which need not be installed."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    home = Path(os.environ.get("HF_HOME", _user_cache() / "huggingface"))
    return Path(given or home / "hub").expanduser()


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
