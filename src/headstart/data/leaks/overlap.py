"""Images that the parts of a source and a target share, exactly or nearly, and what that means.

Every part is compared with the training images it must not hold: the target's test and validation
images with the source's and the target's training images. Two more pairs are only reported:
training images of both tasks (is the target a relabelling?), and test images that the source
validates on.
"""

from dataclasses import dataclass

import numpy as np

from headstart.core.seeds import generator
from headstart.data.datasets import Images
from headstart.data.leaks.exact_duplicates import (
    EXACT,
    KINDS,
    MIRRORED,
    Copies,
    compared_at,
    exact_copies,
    hashes,
    near_copies,
    prepared,
)
from headstart.data.leaks.near_duplicates import GreyImages, grey, nearest, units
from headstart.data.tasks import TrainingPart
from headstart.data.thumbnails import thumbnails

SOURCE_TRAIN, SOURCE_VALIDATION = "source training", "source validation"
TARGET_TRAIN, TARGET_VALIDATION = "target training", "target validation"
TARGET_TEST = "target test"

PAIRS = (
    (TARGET_TEST, SOURCE_TRAIN),
    (TARGET_TEST, TARGET_TRAIN),
    (TARGET_TEST, SOURCE_VALIDATION),
    (TARGET_VALIDATION, SOURCE_TRAIN),
    (TARGET_VALIDATION, TARGET_TRAIN),
    (TARGET_TRAIN, SOURCE_TRAIN),
)
TRAINED_ON = (SOURCE_TRAIN, TARGET_TRAIN)
MOST_EXAMPLES = 24
LARGEST = 64  # rows and columns of a thumbnail
_SAMPLE = 2_000  # test and training images whose nearest neighbours are compared
_PROBES = 8_000  # other training images, whose nearest neighbours give the 99.9 % point
_LEAST_SAMPLE = 1_000  # below this the 99.9 % point is no better than the maximum
_MOST_ODD = 0.05  # near copies whose labels may differ though the rest follows a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPair:
    """How many images of `part` have a copy in `other`; each counts once, as the first kind."""

    part: str
    other: str
    num_part: int
    num_other: int
    exact: int
    mirrored: int
    near: int
    near_mirrored: int

    @property
    def total(self) -> int:
        """Copies of any kind."""
        return self.exact + self.mirrored + self.near + self.near_mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Two images that are copies, with their positions and classes in their own parts."""

    part: str
    other: str
    index: int
    other_index: int
    label: int
    other_label: int
    kind: str
    similarity: float


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

    `leaked` are positions of test images that the source or the target trains on, exactly or
    nearly (`leaked_inexact` of them not byte for byte); their arrays run in parallel.
    `shared_...` counts images of the target, copies of any kind.
    `label_function` says whether, on shared training images, the target's label follows from the
    source's; `same_labels` whether it follows the other way round as well; `odd_labels` counts the
    shared images whose target label is not the usual one for their source label. The entropy of the
    target's label given the source's is 0 where there is none.
    """

    near: float | None
    num_source: int
    num_target: int
    num_test: int
    pairs: tuple[SharedPair, ...]
    shared_train: int
    shared_train_inexact: int
    shared_validation: int
    own_validation: int
    leaked_from_source: int
    leaked_from_target: int
    leaked_inexact: int
    label_function: bool
    same_labels: bool
    odd_labels: int
    closeness: Closeness | None
    examples: tuple[Example, ...]
    leaked: np.ndarray  # int64 (leaked images,)
    leaked_part: np.ndarray  # uint8, a position of TRAINED_ON
    leaked_index: np.ndarray  # int64, the training image
    leaked_kind: np.ndarray  # uint8, a position of KINDS
    leaked_similarity: np.ndarray  # float64
    thumbnails: np.ndarray  # uint8 (examples, 2, height, width, channels)


def find_overlap(
    source: TrainingPart | None, target: TrainingPart, test: Images, near: float | None = None
) -> Overlap:
    """Compare all pairs of parts; images are nearly the same from a correlation of `near` on.

    Without a source, its parts are empty.
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
    copies = _all_copies(parts, near)
    from_source, from_target = (copies[TARGET_TEST, part] for part in TRAINED_ON)
    leaked = np.flatnonzero(from_source.found | from_target.found)
    part, found_copies = _closer(from_source, from_target, leaked)
    shared = copies[TARGET_TRAIN, SOURCE_TRAIN]
    odd, follows, back = _label_rules(shared, source.train, target.train)
    examples = _examples(copies, parts)
    return Overlap(
        near=near,
        num_source=len(source.train),
        num_target=len(target.train),
        num_test=len(test),
        pairs=tuple(_counted(names, found, parts) for names, found in copies.items()),
        shared_train=int(shared.found.sum()),
        shared_train_inexact=int((shared.kind > EXACT).sum()),
        shared_validation=int(copies[TARGET_VALIDATION, SOURCE_TRAIN].found.sum()),
        own_validation=int(copies[TARGET_VALIDATION, TARGET_TRAIN].found.sum()),
        leaked_from_source=int(from_source.found.sum()),
        leaked_from_target=int(from_target.found.sum()),
        leaked_inexact=int((found_copies.kind != EXACT).sum()),
        label_function=follows,
        same_labels=follows and back,
        odd_labels=odd,
        closeness=_closeness(target.train, test, leaked) if near is not None else None,
        examples=examples,
        leaked=leaked,
        leaked_part=part,
        leaked_index=found_copies.index,
        leaked_kind=found_copies.kind,
        leaked_similarity=found_copies.similarity,
        thumbnails=_thumbnails(examples, parts),
    )


def _all_copies(parts: dict[str, Images], near: float | None) -> dict[tuple[str, str], Copies]:
    digests = {name: hashes(images) for name, images in parts.items()}
    found = {(one, other): exact_copies(digests[one], digests[other]) for one, other in PAIRS}
    if near is None:
        return found
    own = [name for name in parts if name not in (SOURCE_TRAIN, SOURCE_VALIDATION)]
    size = compared_at(*parts.values())
    across = _with_mirrored(parts, size)
    # The target's own parts are not made coarser for the sake of a source of smaller images.
    own_size = compared_at(parts[TARGET_TEST])
    inside = across if own_size == size else _with_mirrored({n: parts[n] for n in own}, own_size)
    # Two tasks on one data set have parts in common: the same images are searched once.
    searched: dict[tuple[object, ...], Copies] = {}
    for (one, other), exact in found.items():
        ready = inside if other == TARGET_TRAIN else across
        turned = ready.get(f"{one}, mirrored")
        search = (tuple(digests[one].plain), tuple(digests[other].plain), ready is inside, one)
        if search not in searched:
            searched[search] = near_copies(exact, ready[one], turned, ready[other], near)
        found[one, other] = searched[search]
    return found


def _with_mirrored(parts: dict[str, Images], size: tuple[int, int]) -> dict[str, GreyImages]:
    """Parts to compare, and mirror images of those that are few beside the training images."""
    return prepared(parts, size, turned=(TARGET_VALIDATION, TARGET_TEST))


def _counted(names: tuple[str, str], found: Copies, parts: dict[str, Images]) -> SharedPair:
    exact, mirrored, near, near_mirrored = found.counts()
    part, other = names
    return SharedPair(
        part=part,
        other=other,
        num_part=len(parts[part]),
        num_other=len(parts[other]),
        exact=exact,
        mirrored=mirrored,
        near=near,
        near_mirrored=near_mirrored,
    )


def _closer(one: Copies, other: Copies, chosen: np.ndarray) -> tuple[np.ndarray, Copies]:
    """The better of two copies of each chosen image, `other` if none is: (which, the copies)."""
    kinds = [np.where(c.found, c.kind, len(KINDS))[chosen].astype(int) for c in (one, other)]
    alike = [c.similarity[chosen] for c in (one, other)]
    first = (kinds[0] < kinds[1]) | ((kinds[0] == kinds[1]) & (alike[0] > alike[1]))
    return np.where(first, 0, 1).astype(np.uint8), Copies(
        kind=np.where(first, one.kind[chosen], other.kind[chosen]),
        index=np.where(first, one.index[chosen], other.index[chosen]),
        similarity=np.where(first, *alike),
    )


def _label_rules(found: Copies, source: Images, target: Images) -> tuple[int, bool, bool]:
    """(odd labels, does the target's label follow from the source's, and the other way round).

    Equal images decide strictly. A near copy may be another image, so a few of those may differ.
    """
    at = np.flatnonzero(found.found)
    theirs, ours = source.labels[found.index[at]], target.labels[at]
    equal = np.isin(found.kind[at], (EXACT, MIRRORED))
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


def _examples(
    copies: dict[tuple[str, str], Copies], parts: dict[str, Images]
) -> tuple[Example, ...]:
    """Pairs to look at: leaked test images first, from the most alike to the least."""
    found: list[Example] = []
    for (part, other), found_copies in copies.items():
        at = np.flatnonzero(found_copies.found)
        at = at[np.lexsort((at, -found_copies.similarity[at], found_copies.kind[at]))]
        room = min(len(at), MOST_EXAMPLES - len(found))
        spread = np.linspace(0, len(at) - 1, room).round().astype(int)
        found += [
            _example(part, other, at_one, found_copies, parts) for at_one in at[spread].tolist()
        ]
    return tuple(found)


def _thumbnails(examples: tuple[Example, ...], parts: dict[str, Images]) -> np.ndarray:
    """Both images of every pair, uint8 (examples, 2, height, width, channels)."""
    pairs = [((e.part, e.index), (e.other, e.other_index)) for e in examples]
    small = thumbnails([parts[part].image(at) for pair in pairs for part, at in pair], LARGEST)
    return small.reshape(len(examples), 2, *small.shape[1:])


def _example(
    part: str, other: str, at: int, found_copies: Copies, parts: dict[str, Images]
) -> Example:
    match = int(found_copies.index[at])
    return Example(
        part=part,
        other=other,
        index=at,
        other_index=match,
        label=int(parts[part].labels[at]),
        other_label=int(parts[other].labels[match]),
        kind=KINDS[found_copies.kind[at]],
        similarity=float(found_copies.similarity[at]),
    )
