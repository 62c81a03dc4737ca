"""Facts of the published data sets, written by hand: what a plan knows where no data lies."""

from headstart.data.catalogue import KNOWN
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts

TRAIN_COUNTS = {
    "mnist": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    "fashion-mnist": (6000,) * 10,
    "cifar10": (5000,) * 10,
    "mnist-mini": (1000,) * 10,
    "fashion-mini": (1000,) * 10,
    "signs-mini": (60,) * 10,
    "hymenoptera": (122, 121),
}
TEST_COUNTS = {
    "mnist": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    "fashion-mnist": (1000,) * 10,
    "cifar10": (1000,) * 10,
    "mnist-mini": (200,) * 10,
    "fashion-mini": (200,) * 10,
    "signs-mini": (20,) * 10,
    "hymenoptera": (70, 83),
}

DATASETS = {
    name: DatasetFacts(
        name=name,
        content=f"{number:064x}",
        shape=KNOWN[name].shape,
        classes=KNOWN[name].classes,
        train_counts=counts,
        test_counts=TEST_COUNTS[name],
    )
    for number, (name, counts) in enumerate(TRAIN_COUNTS.items())
}

FACTS = Facts(datasets=DATASETS)
