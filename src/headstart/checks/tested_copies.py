"""Copies of the test images that results name, among the other images of the data set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from headstart.analyse.analysis import GivenCopy
from headstart.analyse.given_images import GivenImages
from headstart.analyse.text import listed, plural
from headstart.checks.copies_report import Compared, report_of
from headstart.checks.image_sets import ImageSet, image_files_of
from headstart.checks.overlap import copies_between
from headstart.core.errors import DataError, Problem
from headstart.core.names import few
from headstart.data.contact_sheet import NEAR
from headstart.data.formats.tree_layout import parts_by_folder
from headstart.data.images import Images
from headstart.data.leaks.copies import KINDS, Copies
from headstart.data.results.image_files import find_files
from headstart.data.results.run_keys import Run
from headstart.data.results.runs import Results
from headstart.report.found import left_out_text

MOST_MISLABELLED = 0.5  # of the test images; beyond it their files are those of other images
COMMON = 0.5  # of the smallest test part: with fewer in common runs split the same images anew


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tested:
    """Test images of results among all images of a data set.

    Attributes:
        results: that name them.
        images: of the data set.
        file: position among `images` of each test image, -1 where it is not there.
        parts: of all images, by their folders; empty where there are none.
        labels: of all images: those of the results, else the classes that their folders are called
            by, else -1.
        notes: what was understood.
    """

    results: Results
    images: ImageSet
    file: np.ndarray
    parts: np.ndarray
    labels: np.ndarray
    notes: tuple[str, ...]

    @property
    def is_test(self) -> np.ndarray:
        """Whether each image is one of the test images (images,)."""
        is_test = np.zeros(len(self.images), bool)
        is_test[self.file[self.file >= 0]] = True
        return is_test

    @property
    def may_train(self) -> np.ndarray:
        """Whether each image may have been trained on: it is in no part that tests (images,)."""
        is_test = self.is_test
        own = set(self.parts[is_test].tolist())
        testing = {"test"} | (own - {"", "train"} if len(own) == 1 else set())
        return np.asarray(~is_test & ~np.isin(self.parts, list(testing)))


def search_results(
    results: Results, places: Sequence[str], near: float | None = NEAR
) -> tuple[Results, GivenImages]:
    """Results without the test images that have a copy among the other images of their data set.

    Those are the images that results do not name, in parts other than the test part. Where runs
    split the same images anew, each test part is compared with the others as well.

    Args:
        results: with answers to images that have names.
        places: folders or archives of the images.
        near: correlation of grey values from which on images are near copies; None: exact only.

    Returns:
        The results that are left, and what was found.

    Raises:
        DataError: results name no images; places are missing or hold none of them, or no others; or
            names do not say which files they mean.
    """
    if not results.named:
        raise DataError(_unnamed(results))
    tested = _tested(results, image_files_of(places))
    parts = _test_parts(results)
    anew = len(parts) > 1
    compared = [_compared(tested, part, near, anew=anew) for part in parts]
    copied = {part.tobytes(): one.copied for part, one in zip(parts, compared, strict=True)}

    def gone(run: Run) -> np.ndarray:
        assert run.images is not None  # they are named
        own = copied[run.images.tobytes()] if anew else compared[0].copied
        return np.flatnonzero(np.isin(run.images, own))

    return results.without([gone(run) for run in results.runs]), _found(tested, compared, near)


def _unnamed(results: Results) -> str:
    what = (
        "no column names the test images"
        if results.answered
        else "there are scores alone, and no answers to single images"
    )
    return str(
        Problem(
            where="--images",
            message=f"{what}, so which files they are is not known.",
            allowed="Expected a column such as image, path or filename beside label and answer.",
            fix="Save it with the answers, or name it: --column image=NAME; `headstart leaks TRAIN "
            "TEST` compares two folders without results.",
        )
    )


def _tested(results: Results, images: ImageSet) -> _Tested:
    """The test images among all images.

    Raises:
        DataError: they are not there, or lie in folders of other classes.
    """
    parts = np.array(parts_by_folder(images.titles))
    found = find_files(results.images, images.titles, (parts == "test").tolist(), images.name)
    labels = np.full(len(results.images), -1, np.int64)
    for run in results.runs:
        assert run.images is not None  # they are named
        assert run.labels is not None
        labels[run.images] = run.labels
    position = {name: at for at, name in enumerate(results.classes)}
    folders = [title.rpartition("/")[0] for title in images.titles]
    by_folder = np.array([position.get(one.rpartition("/")[2], -1) for one in folders], np.int64)
    there = np.flatnonzero(found.at >= 0)
    files = found.at[there]
    notes = [*found.notes, *_mislabelled(results, images, there, files, labels, by_folder)]
    every = by_folder.copy()
    every[files] = labels[there]
    return _Tested(
        results=results,
        images=images,
        file=found.at,
        parts=parts,
        labels=every,
        notes=(*notes, *_not_read(images)),
    )


def _mislabelled(
    results: Results,
    images: ImageSet,
    there: np.ndarray,
    files: np.ndarray,
    labels: np.ndarray,
    by_folder: np.ndarray,
) -> Iterator[str]:
    """A note on test images that lie in folders of other classes than their labels.

    Raises:
        DataError: most do, so that their files are those of other images.
    """
    classed = by_folder[files] >= 0
    wrong = np.flatnonzero(classed & (by_folder[files] != labels[there]))
    if not len(wrong):
        return
    shown = few(
        [
            f"'{results.images[there[at]]}' ({results.classes[labels[there[at]]]}) is "
            f"{images.titles[files[at]]}"
            for at in wrong[:4].tolist()
        ]
    )
    message = (
        f"{len(wrong):,} of {int(classed.sum()):,} test images lie in the folder of another class "
        f"than their label: {shown}."
    )
    if len(wrong) > MOST_MISLABELLED * classed.sum():
        raise DataError(
            str(
                Problem(
                    where=images.name,
                    message=message,
                    allowed="Expected the images that the results were made on.",
                    fix="Are names those of other images? Save the path of each image with its "
                    "answer.",
                )
            )
        )
    yield f"{images.name}: {message.removesuffix('.')}"


def _not_read(images: ImageSet) -> Iterator[str]:
    if images.unreadable:
        shown = few([f"{file}: {why}" for file, why in images.unreadable])
        yield f"{plural(len(images.unreadable), 'image file')} could not be read ({shown})"
    if images.left_out:
        yield f"{images.name}: left out {left_out_text(images.left_out)}"


def _test_parts(results: Results) -> list[np.ndarray]:
    """Test parts that runs have, where they split the same images anew; else all images as one."""
    by_place: dict[tuple[str, int], set[bytes]] = {}
    parts: dict[bytes, np.ndarray] = {}
    for run in results.runs:
        assert run.images is not None  # they are named
        key = run.images.tobytes()
        parts[key] = run.images
        by_place.setdefault((run.size, run.seed), set()).add(key)
    common = len(reduce(np.intersect1d, parts.values()))
    shared = all(len(keys) == 1 for keys in by_place.values())
    apart = common < COMMON * min(map(len, parts.values()))
    if len(parts) > 1 and apart and (shared or results.folds):
        return list(parts.values())
    return [np.arange(len(results.images))]


def _compared(tested: _Tested, part: np.ndarray, near: float | None, *, anew: bool) -> Compared:
    """Images of a test part with those that may have been trained on.

    Raises:
        DataError: there are no such images.
    """
    at = part[tested.file[part] >= 0]
    files = tested.file[at]
    among = tested.may_train | (tested.is_test & anew)
    among[files] = False
    others = np.flatnonzero(among)
    if not len(others):
        raise DataError(
            f"{tested.images.name} holds no images but test images, so there is nothing to compare "
            "these with. Give the training images too: --images TRAIN --images TEST."
        )
    same_class = bool((tested.labels[others] >= 0).all())
    pixels = tested.images.images.pixels
    one, other = (Images(pixels[some], tested.labels[some]) for some in (files, others))
    return Compared(
        at=at,
        files=files,
        others=others,
        found=copies_between(one, other, near, same_class=same_class)
        if len(at)
        else Copies.none(0),
        same_class=same_class,
    )


def _found(tested: _Tested, compared: Sequence[Compared], near: float | None) -> GivenImages:
    """What was found, as an analysis shows it."""
    results, images = tested.results, tested.images
    at_of = {results.images[at]: file for at, file in enumerate(tested.file.tolist()) if file >= 0}
    others = np.unique(np.concatenate([one.others for one in compared]))
    folders = sorted(set(tested.parts[others].tolist()) - {""})
    ignored = int((~tested.is_test & ~tested.may_train).sum())
    notes = list(tested.notes)
    if ignored:
        notes.append(
            f"{plural(ignored, 'more image')} of the test part "
            f"{'is' if ignored == 1 else 'are'} not named by the results, and not compared"
        )
    classes = [results.classes[one] if one >= 0 else "" for one in tested.labels.tolist()]
    return GivenImages(
        files={name: images.titles[file] for name, file in at_of.items()},
        picture=lambda name: images.picture(at_of[name]),
        num_missing=int((tested.file < 0).sum()),
        among=f"{plural(len(others), 'other image')} of {images.name}"
        + (f" ({listed(folders, 'and')})" if folders else ""),
        copies=tuple(_copies(tested, compared)),
        report=report_of(images, classes, compared, near),
        notes=tuple(notes),
    )


def _copies(tested: _Tested, compared: Sequence[Compared]) -> Iterator[GivenCopy]:
    """Every test image with a copy, the surest first, each once."""
    titles = tested.images.titles
    best: dict[int, tuple[int, float, int]] = {}
    times: dict[int, int] = {}
    for one in compared:
        for where in np.flatnonzero(one.found.found).tolist():
            at, kind = int(one.at[where]), int(one.found.kind[where])
            key = (
                kind,
                -float(one.found.similarity[where]),
                int(one.others[one.found.index[where]]),
            )
            best[at] = min(best.get(at, key), key)
            times[at] = times.get(at, 0) + 1
    for at, (kind, less, other) in sorted(best.items(), key=lambda item: (item[1], item[0])):
        yield GivenCopy(
            image=tested.results.images[at],
            file=titles[tested.file[at]],
            other=titles[other],
            kind=KINDS[kind],
            similarity=-less,
            num_parts=times[at],
        )
