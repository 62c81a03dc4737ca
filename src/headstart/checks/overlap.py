"""Check that two sets of images have none in common: exact, changed and near copies."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from headstart.analyse.text import plural
from headstart.checks.image_sets import ImageSet, ImagesOf, image_set
from headstart.checks.result import Result
from headstart.core.errors import DataError, OutputError
from headstart.core.files import obstacle
from headstart.core.hashing import Json
from headstart.core.names import few
from headstart.data.catalogue import Part
from headstart.data.contact_sheet import COMPARED, NEAR, PAIRS, CopyPair, Shown
from headstart.data.images import Images
from headstart.data.leaks.changes import CHANGES
from headstart.data.leaks.copies import ALIKE, KINDS, Copies
from headstart.data.leaks.exact_duplicates import exact_copies, hashes
from headstart.data.leaks.near_copies import compared_at, near_copies, prepared
from headstart.report.found import left_out_text
from headstart.report.html.copies_page import CopiesPage, write_copies_page
from headstart.report.leaks import NOT_SOUGHT
from headstart.study.dataset_facts import LeftOut
from headstart.study.problems import problems_from
from headstart.study.study import LeakSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A test image that is a copy of a training image: their names, how, and how alike they are.

    `same_file` is whether both names lead to one file.
    """

    test: str
    train: str
    kind: str
    similarity: float
    same_file: bool

    def __str__(self) -> str:
        alike = "" if self.similarity == 1 else f", {self.similarity:.4f}"
        return f"{self.test} is {self.train} ({self.kind}{alike})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap(Result):
    """Copies of training images among test images.

    Attributes:
        train: where the training images are from.
        test: where the test images are from.
        num_train: training images that were compared.
        num_test: test images that were compared.
        near: correlation from which on images are near copies; None where they were not sought.
        copies: one for each test image that has any, the surest first.
        num_alike: test images that are like training images, but only as all of their set are.
        unreadable: (file, reason) of image files that could not be decoded.
        left_out: other files that were not read.
    """

    train: str
    test: str
    num_train: int
    num_test: int
    near: float | None
    copies: tuple[Copy, ...]
    num_alike: int
    unreadable: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]

    @property
    def ok(self) -> bool:
        """Whether no test image is a copy of a training image."""
        return not self.copies

    @property
    def kinds(self) -> dict[str, int]:
        """Number of copies of each kind that there is."""
        return dict(Counter(copy.kind for copy in self.copies))

    def __str__(self) -> str:
        return " ".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """What was found, and what could not be compared."""
        return [self._found(), *self._notes()]

    @property
    def how_compared(self) -> str:
        """What counts as a copy."""
        files = f"image files at {COMPARED[0]} x {COMPARED[1]} pixels"
        near = ""
        if self.near is not None:
            near = f", and those whose grey values correlate by {self.near:g} or more"
        return (
            "Copies are images that are equal as they are, mirrored, turned by quarters, inverted "
            f"or shifted by a pixel or two ({files}){near}. {NOT_SOUGHT}"
        )

    def document(self) -> Json:
        """All fields, whether it is as it should be, and the sentence, for JSON."""
        return {"ok": self.ok, "text": str(self), "kinds": self.kinds, **asdict(self)}

    def _found(self) -> str:
        among = f"{plural(self.num_train, 'training image')} ({self.train})"
        if self.ok:
            return (
                f"None of {plural(self.num_test, 'test image')} ({self.test}) is a copy of one of "
                f"{among}."
            )
        kinds = "; ".join(f"{num:,} {kind}" for kind, num in self.kinds.items())
        are = "is a copy" if len(self.copies) == 1 else "are copies"
        return (
            f"{len(self.copies):,} of {plural(self.num_test, 'test image')} ({self.test}) {are} "
            f"among {among}: {kinds}."
        )

    def _notes(self) -> list[str]:
        notes = []
        same = sum(copy.same_file for copy in self.copies)
        if same:
            num = "All of them" if same == len(self.copies) else f"{same:,} of them"
            notes.append(f"{num} are the same files: one place is, or lies in, the other.")
        if self.num_alike:
            notes.append(
                f"{self.num_alike:,} more are like training images, but only as all images of "
                "their set are: no copies."
            )
        if self.unreadable:
            names = few([f"{name}: {why}" for name, why in self.unreadable])
            notes.append(
                f"{plural(len(self.unreadable), 'image file')} could not be read and "
                f"{'was' if len(self.unreadable) == 1 else 'were'} not compared ({names})."
            )
        if self.left_out:
            notes.append(f"Left out: {left_out_text(self.left_out)}.")
        return notes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """A search for copies: what was found, and the images, so that a page can show them."""

    result: Overlap
    train: ImageSet
    test: ImageSet
    pairs: tuple[tuple[int, int], ...]

    def write_page(self, path: str | Path) -> None:
        """Write a page with pictures of the copies, the surest first."""
        shown = [
            CopyPair(
                kind=copy.kind,
                similarity=copy.similarity,
                one=_shown("test", self.test, at),
                other=_shown("train", self.train, there),
            )
            for copy, (at, there) in list(zip(self.result.copies, self.pairs, strict=True))[:PAIRS]
        ]
        page = CopiesPage(
            title=f"{self.test.name} and {self.train.name}",
            sentences=self.result.sentences,
            how_compared=self.result.how_compared,
            num=len(self.pairs),
            pairs=shown,
            unreadable=self.result.unreadable,
        )
        write_copies_page(page, Path(path))


def overlap(
    train: ImagesOf, test: ImagesOf, *, near: float | None = NEAR, page: str | Path | None = None
) -> Overlap:
    """Copies of training images among test images: equal, turned, inverted, shifted or near.

    Image files are compared at 32 x 32 pixels. Labels do not matter.

    Args:
        train: an array or tensor of images (n, height, width), or that with channels last or
            second; the path of a folder, an archive, a table of labels or an .npz; the name of a
            known data set; or a list of image files. Of a place all images count, whatever part
            they are in.
        test: the same.
        near: correlation of grey values from which on two images are near copies, from 0.9 to 1;
            None looks for exact and changed ones only.
        page: where to write an HTML page with pictures of the copies.

    Raises:
        DataError: images are missing, or none can be read.
        OutputError: the page cannot be written.
    """
    if page is not None:
        check_writable(Path(page))
    found = search(train, test, near)
    if page is not None:
        found.write_page(page)
    return found.result


def search(train: ImagesOf, test: ImagesOf, near: float | None = NEAR) -> Search:
    """Search for copies as `overlap` does, with the images that a page shows.

    Raises:
        DataError: images are missing, or none can be read.
    """
    threshold = _threshold(near)
    ours, theirs = image_set(test, "test"), image_set(train, "train")
    found = copies_between(ours.images, theirs.images, threshold)
    order = np.lexsort((-found.similarity, found.kind))
    pairs = [(at, int(found.index[at])) for at in order.tolist() if found.found[at]]
    copies = tuple(_copy(ours, theirs, at, there, found) for at, there in pairs)
    result = Overlap(
        train=theirs.name,
        test=ours.name,
        num_train=len(theirs),
        num_test=len(ours),
        near=threshold,
        copies=copies,
        num_alike=int((found.kind == ALIKE).sum()),
        unreadable=(*_unreadable(theirs), *_unreadable(ours)),
        left_out=(*theirs.left_out, *ours.left_out),
    )
    return Search(result=result, train=theirs, test=ours, pairs=tuple(pairs))


def check_writable(page: Path) -> None:
    """Refuse a page that could not be written, before images are compared.

    Raises:
        OutputError: something is in the way.
    """
    if why := obstacle(page, folder=False):
        raise OutputError(f"{page} cannot be written: {why}. Give another file.")


def copies_between(
    images: Images, others: Images, near: float | None, *, same_class: bool = False
) -> Copies:
    """For each image its copy among others; if `same_class`, turned ones in its class alone."""
    digests = hashes(images, CHANGES, shifts=True)
    exact = exact_copies(digests, hashes(others), same_class=same_class)
    if near is None:
        return exact
    ready = prepared({"one": images, "other": others}, compared_at(images, others))
    labels = (images.labels, others.labels) if same_class else None
    return near_copies(exact, ready["one"], ready["other"], near, CHANGES, labels)


def _copy(ours: ImageSet, theirs: ImageSet, at: int, there: int, found: Copies) -> Copy:
    files = bool(ours.paths and theirs.paths)
    return Copy(
        test=ours.titles[at],
        train=theirs.titles[there],
        kind=KINDS[found.kind[at]],
        similarity=float(found.similarity[at]),
        same_file=files and ours.paths[at] == theirs.paths[there],
    )


def _unreadable(images: ImageSet) -> tuple[tuple[str, str], ...]:
    """Files that could not be decoded, with the place of their set."""
    return tuple((f"{images.name}: {file}", why) for file, why in images.unreadable)


def _shown(part: Part, images: ImageSet, at: int) -> Shown:
    return Shown(part=part, label=0, name=images.titles[at], picture=images.picture(at))


def _threshold(near: float | None) -> float | None:
    """The least correlation of near copies, as a study would take it.

    Raises:
        DataError: no study would.
    """
    try:
        return LeakSpec(near="off" if near is None else near).threshold
    except ValidationError as error:
        raise DataError("\n".join(map(str, problems_from(error, LeakSpec, "")))) from None
