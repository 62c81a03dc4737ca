"""Answers of a table by run, and all that can be wrong with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from headstart.core.errors import Problem
from headstart.core.names import in_a_row, natural_order, quoted
from headstart.data.results.run_keys import Run, RunKeys, numbers_of, refusal
from headstart.data.results.table import Coded, ResultTable, together

_NAMED = 3  # of many that a message is about


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRows:
    """Rows in order of run and image."""

    order: np.ndarray
    run: np.ndarray
    image: np.ndarray
    labels: np.ndarray
    answers: np.ndarray
    classes: tuple[str, ...]
    images: tuple[str, ...]
    groups: np.ndarray | None
    notes: tuple[str, ...]

    def runs(self, table: ResultTable, keys: RunKeys) -> Iterator[Run]:
        """Every run with its answers."""
        starts = np.flatnonzero(np.diff(self.run, prepend=-1))
        columns = [table.probability_classes.index(c) for c in self.classes
                   if c in table.probability_classes]  # fmt: skip
        there = [at for at, c in enumerate(self.classes) if c in table.probability_classes]
        for start, end in zip(starts, [*starts[1:], len(self.run)], strict=True):
            rows = self.order[start:end]
            arm, size, seed = keys.place(int(self.run[start]))
            probabilities = None
            if table.probabilities is not None:
                probabilities = np.zeros((len(rows), len(self.classes)), np.float32)
                probabilities[:, there] = table.probabilities[rows][:, columns]
            yield Run(
                arm=arm,
                size=size,
                seed=seed,
                numbers=numbers_of(table, rows),
                images=self.image[start:end],
                labels=self.labels[start:end],
                answers=self.answers[start:end],
                probabilities=probabilities,
            )


def answers_by_run(table: ResultTable, keys: RunKeys) -> AnswerRows:
    """Rows sorted by run and image, after all that can be wrong with them."""
    labels, answers, classes = _classes(table)
    image, images, notes = _images(table, keys, labels)
    key = keys.codes * max(len(images), 1) + image
    order = np.arange(len(key)) if (np.diff(key) > 0).all() else np.argsort(key, kind="stable")
    key = key[order]
    problems = [*_repeated(key, keys, images), *_two_labels(image, labels, images, classes)]
    if problems:
        raise refusal(problems)
    groups, why = _groups(table, image, len(images))
    sorted_classes = tuple(natural_order(classes))
    moved = np.array([sorted_classes.index(name) for name in classes])
    return AnswerRows(
        order=order,
        run=keys.codes[order],
        image=image[order],
        labels=moved[labels[order]],
        answers=moved[answers[order]],
        classes=sorted_classes,
        images=images,
        groups=groups,
        notes=(*notes, *why),
    )


def _groups(
    table: ResultTable, image: np.ndarray, num_images: int
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Group of every image; None, and why, where a column called so does not group images."""
    given = table.names.get("group")
    if given is None:
        return None, ()
    groups = np.full(num_images, -1, np.int64)
    groups[image] = given.codes
    if (groups[image] != given.codes).any():
        return None, ("groups are not used: an image is in several",)
    distinct, codes = np.unique(groups, return_inverse=True)
    if not 1 < len(distinct) < num_images:
        return None, (f"groups are not used: there are {len(distinct):,} of {num_images:,} images",)
    return codes.reshape(-1), (
        f"{num_images:,} test images are in {len(distinct):,} groups, which intervals are over",
    )


def _classes(table: ResultTable) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Codes of labels and answers, and names of all classes."""
    if "answer" in table.names:
        labels, answers, classes = together(table.names["label"], table.names["answer"])
    else:
        assert table.probabilities is not None  # roles ask for one of both
        best = table.probabilities.argmax(1).astype(np.int32)
        given = Coded(codes=best, names=table.probability_classes)
        labels, answers, classes = together(table.names["label"], given)
    more = [name for name in table.probability_classes if name not in classes]
    return labels, answers, (*classes, *more)


def _images(
    table: ResultTable, keys: RunKeys, labels: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Code of the image of every row, names of all images, and what was understood."""
    given = table.names.get("image")
    if given is not None:
        return (*_by_number(given), ())
    order = np.argsort(keys.codes, kind="stable")
    run = keys.codes[order]
    starts = np.flatnonzero(np.diff(run, prepend=-1))
    lengths = np.diff([*starts, len(run)])
    place = np.empty(len(run), np.int32)
    place[order] = np.arange(len(run)) - np.repeat(starts, lengths)
    fold = table.names.get("fold")
    if fold is not None:  # rows of one fold are the same images in all arms
        place = place + fold.codes * int(lengths.max())
    names = tuple(f"row {number + 1}" for number in range(int(place.max()) + 1))
    first = np.full(len(names), -1, np.int64)
    first[place[::-1]] = labels[::-1]
    alike = bool((first[place] == labels).all()) and (
        fold is not None or len(set(lengths.tolist())) == 1
    )
    if not alike:
        raise refusal(
            [
                Problem(
                    where="",
                    message="no column names the image, and the rows of a run are not the same "
                    "images in the same order everywhere: their labels or their number differ.",
                    allowed="Expected a column such as image, path, filename or id.",
                    fix="Save it with the answers, or name it: --column image=NAME.",
                )
            ]
        )
    return place, names, (
        "no column names the image: rows of each run are taken in order, as their labels are the "
        "same in all runs",
    )  # fmt: skip


def _by_number(images: Coded) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes and names of images, those that are numbers in their order."""
    if not all(name.isdecimal() and len(name) < 19 for name in images.names):
        return images.codes, images.names
    order = np.argsort(np.array(images.names, np.int64), kind="stable")
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order))
    return places[images.codes], tuple(images.names[at] for at in order)


def _repeated(key: np.ndarray, keys: RunKeys, images: Sequence[str]) -> Iterator[Problem]:
    """Two answers of one run to one image."""
    twice = np.flatnonzero(np.diff(key) == 0)
    if len(twice):
        shown = [
            f"{keys.text(int(run))}: '{images[image]}'"
            for run, image in (divmod(int(key[at]), len(images)) for at in twice[:_NAMED])
        ]
        yield Problem(
            where="",
            message=f"{len(twice):,} answers are to an image that the same run has answered "
            f"before: {'; '.join(shown)}.",
            allowed="Expected one answer for each arm, size, seed and image.",
            fix="Give repeated runs other seeds, or name the column that has them: "
            "--column seed=NAME (or fold, size).",
        )


def _two_labels(
    image: np.ndarray, labels: np.ndarray, images: Sequence[str], classes: Sequence[str]
) -> Iterator[Problem]:
    """Images whose true class differs between rows."""
    first = np.full(len(images), -1, np.int64)
    first[image[::-1]] = labels[::-1]
    wrong = np.flatnonzero(first[image] != labels)
    if len(wrong):
        names = dict.fromkeys(int(image[at]) for at in wrong)
        shown = [
            f"'{images[one]}' ({in_a_row(quoted(_labels_of(one, image, labels, classes)))})"
            for one in list(names)[:_NAMED]
        ]
        yield Problem(
            where="",
            message=f"{len(names):,} of {len(images):,} images have two labels: "
            f"{'; '.join(shown)}.",
            allowed="Expected one true class for each image.",
            fix="Are images of different test sets called alike? Name them apart, or take the "
            "column that holds the true class: --column label=NAME.",
        )


def _labels_of(
    one: int, image: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> list[str]:
    return [classes[label] for label in np.unique(labels[image == one])]
