"""Small classifiers, and photos and a checkpoint for them."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from headstart.data.formats.image_files import photo_set
from headstart.data.formats.label_place import Place
from headstart.flow.classifier import TransferClassifier
from headstart.study.tasks import DataRef
from photos import photo_folder

NETWORK = "timm:test_resnet"
IMAGE = {"size": [28, 28], "colour": "rgb"}
TRAINING = {"updates": 6, "batch_size": 9, "validations": 2}


def write_checkpoint(folder: Path) -> Path:
    """First weights of another seed stand for what a checkpoint has learnt."""
    from headstart.networks.libraries.build import fresh_weights

    weights = fresh_weights("timm", "test_resnet", (28, 28, 3), 10, 5, "source")
    trunk = {name: array for name, array in weights.items() if not name.startswith("fc.")}
    path = folder / "resnet.safetensors"
    save_file(trunk, path)
    return path


def transfer(checkpoint: Path, strategy: Any = "probe", **changes: Any) -> TransferClassifier:
    """A classifier of photos that starts from the checkpoint."""
    source = {"pretrained": NETWORK, "weights": str(checkpoint)}
    given: dict[str, Any] = {"training": TRAINING, "image": IMAGE, "device": "cpu", **changes}
    return TransferClassifier(source, strategy, **given)


def dense(**changes: Any) -> TransferClassifier:
    """A classifier of tables that learns them in a moment."""
    given: dict[str, Any] = {
        "network": "mlp-small",
        "strategy": "scratch",
        "training": {"updates": 60, "validations": 5},
        "learning_rate": 0.05,
        "device": "cpu",
    }
    return TransferClassifier(**(given | changes))


class Photos:
    """A folder of photos of two kinds; training photos in the order that a study has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = photo_folder(folder)
        part = photo_set(Place(root=self.folder), "", None, DataRef(dataset="photos")).parts[
            "train"
        ]
        self.paths = [self.folder / name for name in part.names]
        self.labels = np.array(["dark", "light"])[part.labels]
        self.test_paths = sorted((self.folder / "test").glob("*/*"))
        self.test_labels = [path.parent.name for path in self.test_paths]
