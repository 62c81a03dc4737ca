"""Images that the parts of a source and a target share, exactly or nearly, and what that means.

Every part is compared with the images it must not hold: the target's test images with all that is
trained on and all that the target chooses rates and checkpoints by, its validation images with what
is trained on. Two more pairs are only reported: training images of both tasks (is the target a
relabelling?), and test images that the source validates on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.core.seeds import generator
from headstart.data.datasets import Images
from headstart.data.leaks.changes import CHANGES
from headstart.data.leaks.copies import ALIKE, EXACT, KINDS, MIRRORED, Copies, is_changed, is_near
from headstart.data.leaks.exact_duplicates import Hashes, exact_copies, hashes
from headstart.data.leaks.examples import LARGEST, Example, Pair, examples, pictures
from headstart.data.leaks.greys import grey
from headstart.data.leaks.image_pair import ImagePair
from headstart.data.leaks.near_copies import compared_at, near_copies, prepared
from headstart.data.leaks.near_duplicates import nearest, units
from headstart.data.leaks.two_labels import two_labels
from headstart.data.tasks import TrainingPart
from headstart.data.thumbnails import thumbnails

SOURCE_TRAIN, SOURCE_VALIDATION = "source training", "source validation"
TARGET_TRAIN, TARGET_VALIDATION = "target training", "target validation"
TARGET_TEST = "target test"

_SELECTED_BY = (TARGET_TEST, TARGET_VALIDATION)
PAIRS = (
    (TARGET_TEST, SOURCE_TRAIN),
    (TARGET_TEST, TARGET_TRAIN),
    _SELECTED_BY,
    (TARGET_TEST, SOURCE_VALIDATION),
    (TARGET_VALIDATION, SOURCE_TRAIN),
    (TARGET_VALIDATION, TARGET_TRAIN),
    (TARGET_TRAIN, SOURCE_TRAIN),
)
CHANGED = (TARGET_VALIDATION, TARGET_TEST)  # whose images are also sought turned, and so on
SEEN = (TARGET_TRAIN, SOURCE_TRAIN, TARGET_VALIDATION)  # a test image in one of them leaked
MOST_TWO_LABELS = 24  # that are listed
_SAMPLE = 2_000  # test and training images whose nearest neighbours are compared
_PROBES = 8_000  # other training images, whose nearest neighbours give the 99.9 % point
_LEAST_SAMPLE = 1_000  # below this the 99.9 % point is no better than the maximum
_MOST_ODD = 0.05  # near copies whose labels may differ though the rest follows a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPair:
    """How many images of `part` have a copy in `other`; each counts once, as the first kind.

    `changed` are equal once they are turned, inverted or shifted; `near` correlate as they are, or
    once they are mirrored, turned or inverted. `alike` are no copies: they are like images of
    `other` only as their whole set is.
    """

    part: str
    other: str
    num_part: int
    num_other: int
    exact: int
    mirrored: int
    changed: int
    near: int
    alike: int

    @property
    def total(self) -> int:
        """Copies of any kind."""
        return self.exact + self.mirrored + self.changed + self.near


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """How near test images are to training images, against how near these are to each other.

    `point` is the 99.9 % point of the correlation of a training image with the nearest one of
    `num_train` others; `above` the share of `num_test` test images that are nearer to one of these.
    """

    point: float
    above: float
    num_test: int
    num_train: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What two tasks share.

    `leaked` are positions of test images that are copies of images in the parts of `SEEN`
    (`leaked_near` of them nearly, `leaked_changed` once they are turned, inverted or shifted, the
    rest byte for byte or mirrored); their arrays run in parallel. `alike_test` counts test images
    that are like training images, but no more than all images of their set are. `shared_...` counts
    images of the target, copies of any kind.
    `label_function` says whether, on shared training images, the target's label follows from the
    source's; `same_labels` whether it follows the other way round as well; `odd_labels` counts the
    shared images whose target label is not the usual one for their source label.
    `source_two_labels` and `target_two_labels` count images that lie under two labels of one task,
    of which `two_labels` lists the first.
    """

    near: float | None
    num_source: int
    num_target: int
    num_test: int
    pairs: tuple[SharedPair, ...]
    shared_train: int
    shared_train_near: int
    shared_validation: int
    own_validation: int
    leaked_from_source: int
    leaked_from_target: int
    leaked_from_validation: int
    leaked_changed: int
    leaked_near: int
    alike_test: int
    label_function: bool
    same_labels: bool
    odd_labels: int
    source_two_labels: int
    target_two_labels: int
    two_labels: tuple[ImagePair, ...]
    closeness: Closeness | None
    examples: tuple[Example, ...]
    leaked: np.ndarray  # int64 (leaked images,)
    leaked_part: np.ndarray  # uint8, a position of SEEN
    leaked_index: np.ndarray  # int64, the image in that part
    leaked_kind: np.ndarray  # uint8, a position of KINDS
    leaked_similarity: np.ndarray  # float64
    thumbnails: np.ndarray  # uint8 (examples, 2, height, width, channels)
    two_label_pictures: np.ndarray  # uint8 (two_labels, height, width, channels)


def find_overlap(
    source: TrainingPart | None,
    target: TrainingPart,
    test: Images,
    near: float | None = None,
    *,
    validates_on_test: bool = False,
) -> Overlap:
    """Compare all pairs of parts.

    Args:
        source: images of the source; None where they are not known.
        target: images that the target trains on and validates on.
        test: the target's test images.
        near: the least correlation of two images that are nearly the same; None finds those only
            that are equal, as they are or once they are changed.
        validates_on_test: the validation images are the test images, so that these are not copies
            of them.
    """
    if source is None:
        nothing = target.train.taken(np.empty(0, np.int64))
        source = TrainingPart(train=nothing, validation=nothing)
    parts = {
        SOURCE_TRAIN: source.train,
        SOURCE_VALIDATION: source.validation,
        TARGET_TRAIN: target.train,
        TARGET_VALIDATION: target.validation,
        TARGET_TEST: test,
    }
    digests = {
        name: hashes(images, CHANGES, shifts=True) if name in CHANGED else hashes(images)
        for name, images in parts.items()
    }
    pairs = [pair for pair in PAIRS if not (validates_on_test and pair == _SELECTED_BY)]
    copies = _all_copies(pairs, parts, digests, near)
    seen = [copies[TARGET_TEST, part] for part in SEEN if (TARGET_TEST, part) in copies]
    leaked = np.flatnonzero(np.any([found.found for found in seen], axis=0))
    part, found_copies = _closest(seen, leaked)
    shared = copies[TARGET_TRAIN, SOURCE_TRAIN]
    odd, follows, back = _label_rules(shared, source.train, target.train)
    shown = examples(copies, parts)
    counted = {names: _counted(names, found, parts) for names, found in copies.items()}
    ambiguous = [_two_labels(whose, parts, digests) for whose in ("source", "target")]
    listed = tuple(one for found in ambiguous for one in found[:MOST_TWO_LABELS])
    return Overlap(
        near=near,
        num_source=len(source.train),
        num_target=len(target.train),
        num_test=len(test),
        pairs=tuple(counted.values()),
        shared_train=int(shared.found.sum()),
        shared_train_near=int(is_near(shared.kind).sum()),
        shared_validation=counted[TARGET_VALIDATION, SOURCE_TRAIN].total,
        own_validation=counted[TARGET_VALIDATION, TARGET_TRAIN].total,
        leaked_from_source=counted[TARGET_TEST, SOURCE_TRAIN].total,
        leaked_from_target=counted[TARGET_TEST, TARGET_TRAIN].total,
        leaked_from_validation=0 if validates_on_test else counted[_SELECTED_BY].total,
        leaked_changed=int(is_changed(found_copies.kind).sum()),
        leaked_near=int(is_near(found_copies.kind).sum()),
        alike_test=len(np.setdiff1d(np.flatnonzero(_alike(copies)), leaked)),
        label_function=follows,
        same_labels=follows and back,
        odd_labels=odd,
        source_two_labels=len(ambiguous[0]),
        target_two_labels=len(ambiguous[1]),
        two_labels=listed,
        closeness=_closeness(target.train, test, leaked) if near is not None else None,
        examples=shown,
        leaked=leaked,
        leaked_part=part,
        leaked_index=found_copies.index,
        leaked_kind=found_copies.kind,
        leaked_similarity=found_copies.similarity,
        thumbnails=pictures(shown, parts),
        two_label_pictures=thumbnails([parts[x.part].image(x.index) for x in listed], LARGEST),
    )


def _all_copies(
    pairs: Sequence[Pair], parts: dict[str, Images], digests: dict[str, Hashes], near: float | None
) -> dict[Pair, Copies]:
    own = [name for name in parts if name not in (SOURCE_TRAIN, SOURCE_VALIDATION)]
    found = {
        (one, other): exact_copies(digests[one], digests[other], same_class=other in own)
        for one, other in pairs
    }
    if near is None:
        return found
    size = compared_at(*parts.values())
    across = prepared(parts, size)
    # The target's own parts are not made coarser for the sake of a source of smaller images.
    own_size = compared_at(parts[TARGET_TEST])
    inside = across if own_size == size else prepared({n: parts[n] for n in own}, own_size)
    # Two tasks on one data set have parts in common: the same images are searched once.
    searched: dict[tuple[object, ...], Copies] = {}
    for (one, other), exact in found.items():
        ready = inside if other in own else across
        changes = CHANGES if one in CHANGED else ()
        labels = (parts[one].labels, parts[other].labels) if changes and other in own else None
        search = (tuple(digests[one].plain), tuple(digests[other].plain), other in own, one)
        if search not in searched:
            searched[search] = near_copies(exact, ready[one], ready[other], near, changes, labels)
        found[one, other] = searched[search]
    return found


def _alike(copies: dict[Pair, Copies]) -> np.ndarray:
    """Whether each test image is like some training image without being its copy (n,)."""
    trained = [copies[TARGET_TEST, part].kind for part in (SOURCE_TRAIN, TARGET_TRAIN)]
    return np.asarray(np.any([kind == ALIKE for kind in trained], axis=0))


def _two_labels(
    whose: str, parts: dict[str, Images], digests: dict[str, Hashes]
) -> tuple[ImagePair, ...]:
    return two_labels({n: p for n, p in parts.items() if n.split()[0] == whose}, digests)


def _counted(names: Pair, found: Copies, parts: dict[str, Images]) -> SharedPair:
    kind, (part, other) = found.kind, names
    return SharedPair(
        part=part,
        other=other,
        num_part=len(parts[part]),
        num_other=len(parts[other]),
        exact=int((kind == EXACT).sum()),
        mirrored=int((kind == MIRRORED).sum()),
        changed=int(is_changed(kind).sum()),
        near=int(is_near(kind).sum()),
        alike=int((kind == ALIKE).sum()),
    )


def _closest(found: Sequence[Copies], chosen: np.ndarray) -> tuple[np.ndarray, Copies]:
    """The best copy of each chosen image, the first of equals: (in which, the copies)."""
    kinds = np.array([np.where(c.found, c.kind, len(KINDS))[chosen] for c in found])
    similarity = np.array([c.similarity[chosen] for c in found])
    index = np.array([c.index[chosen] for c in found])
    best = np.lexsort((-similarity, kinds), axis=0)[0]
    at = (best, np.arange(len(chosen)))
    return best.astype(np.uint8), Copies(kind=kinds[at], index=index[at], similarity=similarity[at])


def _label_rules(found: Copies, source: Images, target: Images) -> tuple[int, bool, bool]:
    """(odd labels, does the target's label follow from the source's, and the other way round).

    Equal images decide strictly. A near copy may be another image, so a few of those may differ.
    """
    at = np.flatnonzero(found.found)
    theirs, ours = source.labels[found.index[at]], target.labels[at]
    equal = ~is_near(found.kind[at])
    odd, odd_back = _odd(theirs, ours), _odd(ours, theirs)
    follows, back = (
        len(at) > 0 and not o[equal].any() and o[~equal].sum() <= _MOST_ODD * (~equal).sum()
        for o in (odd, odd_back)
    )
    return int(odd.sum()), bool(follows), bool(back)


def _odd(given: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether each `other` label is not the most frequent one beside its `given` label (n,)."""
    if not len(given):
        return np.zeros(0, bool)
    table = np.zeros((given.max() + 1, other.max() + 1), np.int64)
    np.add.at(table, (given, other), 1)
    return np.asarray(table.argmax(1)[given] != other)


def _closeness(train: Images, test: Images, leaked: np.ndarray) -> Closeness | None:
    """The excess check of docs/leaks.md, on seeded samples without test images that are left out.

    Training images are held against a sample that they are not in, instead of each against all
    others of that sample: more of them give a steadier 99.9 % point.
    """
    draw = generator(0, "closeness")
    left = draw.permutation(np.setdiff1d(np.arange(len(test)), leaked))[:_SAMPLE]
    order = draw.permutation(len(train))
    num_keys = min(_SAMPLE, len(train) // 2)
    keys, probes = order[:num_keys], order[num_keys : num_keys + _PROBES]
    if min(len(left), num_keys) < _LEAST_SAMPLE:
        return None
    drawn = {"keys": train.taken(keys), "probes": train.taken(probes), "test": test.taken(left)}
    size = compared_at(test)
    ready = {name: units(grey(images, *size)) for name, images in drawn.items()}
    point = float(np.quantile(nearest(ready["probes"], ready["keys"]), 0.999))
    return Closeness(
        point=point,
        above=float((nearest(ready["test"], ready["keys"]) > point).mean()),
        num_test=len(left),
        num_train=num_keys,
    )
