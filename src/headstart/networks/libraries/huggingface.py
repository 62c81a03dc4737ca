"""Image classifiers of Hugging Face transformers, from a folder or a name in the local cache."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import CheckpointError, NetworkError
from headstart.core.hashing import digest
from headstart.networks.checkpoints.places import FOLDER_FILES, huggingface_snapshots
from headstart.networks.libraries.adapter import Adapter, import_library, version_of
from headstart.study.network_facts import InputFacts, Shape

if TYPE_CHECKING:
    from torch import nn

_FILES = ("config.json", "preprocessor_config.json")
_INTERPOLATIONS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers


class HuggingFaceAdapter(Adapter):
    """Classifiers of transformers: cut where names change, the head is the last layer that runs."""

    def build(self, name: str, image: Shape, num_classes: int) -> "nn.Module":
        """The network with its own number of input channels and no dropout."""
        from headstart.networks.libraries.dropout import without_dropout

        library = _transformers()
        config = _config(library, name, num_classes)
        for key, value in config.to_dict().items():
            if isinstance(value, float) and ("dropout" in key or "drop_path" in key):
                setattr(config, key, 0.0)
        native = getattr(config, "image_size", None)
        if native is not None and _square(native) != tuple(image[:2]):
            config.image_size = image[0] if image[0] == image[1] else tuple(image[:2])
        try:
            module: nn.Module = library.AutoModelForImageClassification.from_config(config)
        except (AttributeError, ImportError, TypeError, ValueError) as error:
            raise NetworkError(
                f"Hugging Face network '{name}' cannot be built: {error}. "
                "Expected the folder of an image classifier."
            ) from error
        without_dropout(module)
        return module

    def head_modules(self, module: "nn.Module") -> tuple[str, ...] | None:
        """The last layer that runs; transformers gives it no common name."""
        return None

    def cut_modules(self, module: "nn.Module") -> tuple[str, ...]:
        """None: transformers names no feature maps of a classifier."""
        return ()

    def input_facts(self, name: str) -> InputFacts | None:
        """What `preprocessor_config.json` says; None where there is none or it leaves out much."""
        saved = _json(_folder(name) / "preprocessor_config.json")
        size = saved.get("crop_size") or saved.get("size")
        if size is None or "image_mean" not in saved or "image_std" not in saved:
            return None
        return InputFacts(
            size=_square(size),
            crop=float(saved.get("crop_pct") or _crop(saved)),
            interpolation=_INTERPOLATIONS.get(saved.get("resample", 2), "bilinear"),
            mean=tuple(saved["image_mean"]),
            deviation=tuple(saved["image_std"]),
            channels=len(saved["image_mean"]),
        )

    def weights_file(self, name: str) -> Path | None:
        """The weights in a network's folder."""
        folder = _folder(name)
        found = [folder / file for file in FOLDER_FILES if (folder / file).is_file()]
        if not found:
            raise CheckpointError(
                f"{folder} holds no {' and no '.join(FOLDER_FILES)}. Give the file with the "
                'pretrained weights: weights = "FILE" in the source.'
            )
        return found[0]

    def version(self) -> str:
        """Version of transformers."""
        return version_of("transformers", "hf")

    def content(self, name: str) -> str:
        """Hash of a folder's configuration."""
        folder = _folder(name)
        return digest([_json(folder / file) for file in _FILES]) if folder.is_dir() else ""


def _folder(name: str) -> Path:
    """The folder of a network: at that path, else in the cache of the Hugging Face hub."""
    given = Path(name).expanduser().absolute()
    return next(iter(huggingface_snapshots(name)), given) if not given.is_dir() else given


def _config(library: Any, name: str, num_classes: int) -> Any:
    """The configuration, with as many labels as there are classes.

    Raises:
        NetworkError: it is not there, or not whole.
    """
    folder = Path(name).expanduser()
    place = str(folder) if folder.is_dir() else name
    try:
        return library.AutoConfig.from_pretrained(
            place, num_labels=num_classes, local_files_only=True
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise NetworkError(
            f"Hugging Face network '{name}' cannot be opened: {reason} "
            "Expected a folder with `config.json` (and `model.safetensors`), or a name that "
            "transformers has downloaded before."
        ) from None


def _square(size: Any) -> tuple[int, int]:
    """(height, width) of a size as transformers writes it."""
    if isinstance(size, dict):
        side = size.get("shortest_edge")
        return (side, side) if side else (size["height"], size["width"])
    if isinstance(size, (list, tuple)):
        return size[0], size[-1]
    return size, size


def _crop(saved: dict[str, Any]) -> float:
    """The centre's share of the resized image."""
    if not saved.get("do_center_crop") or "crop_size" not in saved or "size" not in saved:
        return 1.0
    return _square(saved["crop_size"])[0] / _square(saved["size"])[0]


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}


@cache
def _transformers() -> Any:
    from headstart.networks.libraries.torchvision_shim import prepare_torchvision

    prepare_torchvision()
    return import_library("transformers", "hf")


ADAPTER = HuggingFaceAdapter()
