"""Images that a source and a target share, exactly: the same shape and the same bytes."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from headstart.data.images import Images
from headstart.data.tasks import TrainingPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What two tasks share.

    `leaked` are positions of test images that the source or the target trains on.
    `label_function` says whether, on shared training images, the target's label follows from the
    source's; `same_labels` whether it follows the other way round as well.
    """

    num_source: int
    num_target: int
    num_test: int
    shared_train: int
    shared_validation: int
    leaked_from_source: int
    leaked_from_target: int
    leaked: np.ndarray  # (leaked images,)
    label_function: bool
    same_labels: bool


def find_overlap(source: TrainingPart, target: TrainingPart, test: Images) -> Overlap:
    """Compare every training image of the source with the target's, and both with the test's."""
    of_source = _by_digest(source.train)
    of_target = _digests(target.train)
    of_validation, of_test = _digests(target.validation), _digests(test)
    shared = [at for at, digest in enumerate(of_target) if digest in of_source]
    pairs = {(of_source[of_target[at]], int(target.train.labels[at])) for at in shared}
    own = set(of_target)
    from_source = {at for at, digest in enumerate(of_test) if digest in of_source}
    from_target = {at for at, digest in enumerate(of_test) if digest in own}
    return Overlap(
        num_source=len(source.train.labels),
        num_target=len(of_target),
        num_test=len(of_test),
        shared_train=len(shared),
        shared_validation=sum(digest in of_source for digest in of_validation),
        leaked_from_source=len(from_source),
        leaked_from_target=len(from_target),
        leaked=np.array(sorted(from_source | from_target), dtype=np.int64),
        label_function=bool(pairs) and len({s for s, _ in pairs}) == len(pairs),
        same_labels=bool(pairs)
        and len({s for s, _ in pairs}) == len({t for _, t in pairs}) == len(pairs),
    )


def _digests(images: Images) -> list[bytes]:
    shape = repr(images.pixels.shape[1:]).encode()
    return [
        blake2b(np.ascontiguousarray(image).data, digest_size=16, key=shape).digest()
        for image in images.pixels
    ]


def _by_digest(images: Images) -> dict[bytes, int]:
    """The label of each distinct image."""
    return dict(zip(_digests(images), images.labels.tolist(), strict=True))
