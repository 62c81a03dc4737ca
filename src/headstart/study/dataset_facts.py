"""What a plan has to know of a data set: counts, classes, shape and a hash, but no pixels."""

from headstart.study.base import Spec


class DatasetFacts(Spec):
    """Facts of one data set, as measured from its files.

    `content` is a hash over the decoded images and labels of both parts, so it names the data
    whatever file format or folder they came from.
    """

    name: str
    content: str
    shape: tuple[int, int, int]  # (height, width, channels)
    classes: tuple[str, ...]
    train_counts: tuple[int, ...]  # images per class, in the order of `classes`
    test_counts: tuple[int, ...]
    licence: str = ""
    note: str = ""  # what a reader of results should know of how the images came about
