"""Mistakes on test images as text: counts, frequent confusions, single images with pictures."""

from collections.abc import Iterator
from dataclasses import dataclass

from headstart.analyse.analysis import (
    Analysis,
    Confusion,
    ConfusionRow,
    ImageMistake,
    Mistakes,
    Picture,
)
from headstart.analyse.text import percent, plural
from headstart.image_outcomes import Kind
from headstart.report.rows import TaskPair, of_pair

MOST_CLASSES = 20  # of a confusion matrix; of more classes frequent confusions are listed
NUM_FREQUENT = 15
NUM_PICTURES = 96  # on a page, so that it can be mailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Confused:
    """One class taken for another: so many of all answers to its test images."""

    true_class: str
    answer: str
    count: int
    num_answers: int
    control_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Images of one kind to show, and their number among all of that kind."""

    title: str
    note: str
    images: tuple[tuple[ImageMistake, Picture], ...]
    total: int

    @property
    def pictured(self) -> bool:
        """Whether there is a picture of any of them."""
        return any(picture.values for _, picture in self.images)


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakesPage:
    """What a page shows of the mistakes on a pair's test images."""

    mistakes: Mistakes
    matrices: tuple[Confusion, ...]  # of the arm and the control; empty with too many classes
    frequent: tuple[Confused, ...]
    grids: tuple[Grid, ...]


def mistakes_page(analysis: Analysis, pair: TaskPair) -> MistakesPage | None:
    """Mistakes of one pair; None where nothing is known of them."""
    found, confusions = of_pair(analysis.mistakes, pair), of_pair(analysis.confusions, pair)
    if not found:
        return None
    (mistakes,) = found
    few = len(confusions[0].confusion_rows) <= MOST_CLASSES
    most = NUM_PICTURES // (3 * len(analysis.mistakes))
    return MistakesPage(
        mistakes=mistakes,
        matrices=confusions if few else (),
        frequent=frequent_confusions(confusions)[:NUM_FREQUENT],
        grids=tuple(_grids(mistakes, most)),
    )


def mistakes_sentence(mistakes: Mistakes) -> str:
    """How many test images the arm puts right and breaks."""
    m, seeds = mistakes, len(mistakes.seeds)
    counted = f"by most of {seeds} seeds" if seeds > 1 else "by the one seed there is"
    if m.repeated:
        counted = "by most of the seeds that were tested on the image"
    undecided = (
        f"; on {m.undecided:,} one of the two is right in half of the seeds" if m.undecided else ""
    )
    return (
        f"Of {plural(m.num_tested, 'test image')}, {m.arm} gets {m.put_right:,} right that "
        f"{m.control} gets wrong, and {m.broken:,} wrong that {m.control} gets right; both get "
        f"{m.both_wrong:,} wrong and {m.both_right:,} right ({counted}{undecided})."
    )


def frequent_confusions(confusions: tuple[Confusion, ...]) -> tuple[Confused, ...]:
    """Confusions of the arm, the most frequent first, with the control's number of each."""
    arm, control = confusions
    before = {
        (row.true_class, answer): count
        for row in control.confusion_rows
        for answer, count in zip(row.answer, row.count, strict=True)
    }
    found = [
        Confused(
            true_class=row.true_class,
            answer=answer,
            count=count,
            num_answers=sum(row.count),
            control_count=before.get((row.true_class, answer), 0),
        )
        for row in arm.confusion_rows
        for answer, count in zip(row.answer, row.count, strict=True)
        if answer != row.true_class
    ]
    return tuple(sorted(found, key=lambda one: -one.count))


def confusion_cells(confusion: Confusion, row: ConfusionRow) -> tuple[tuple[str, int, float], ...]:
    """Cells of a row of the matrix: answer, count, and share of the row that sets the tint."""
    counts = dict(zip(row.answer, row.count, strict=True))
    total = sum(row.count)
    answers = [one.true_class for one in confusion.confusion_rows]
    return tuple((a, counts.get(a, 0), counts.get(a, 0) / total if total else 0.0) for a in answers)


def confused_text(confused: Confused, control: str) -> str:
    """One confusion in words."""
    c = confused
    return (
        f"{c.true_class} taken for {c.answer}: {c.count:,} of {c.num_answers:,} times "
        f"({control} {c.control_count:,})"
    )


def wrong_answer(image: ImageMistake) -> str:
    """The wrong answer that an image is listed for."""
    return image.control_answer if image.kind == "put right" else image.answer


def wrong_probability(image: ImageMistake) -> str:
    """Mean probability of that answer in per cent; empty where it is not known."""
    before = image.kind == "put right"
    probability = image.control_probability if before else image.probability
    return "" if probability is None else f"{percent(probability, 0)} %"


def wrong_seeds(image: ImageMistake) -> str:
    """In how many seeds the answer is wrong, for a change first those of the control."""
    of = plural(image.num_seeds, "seed")
    if image.kind == "wrong":
        return f"{image.num_wrong} of {of}"
    return f"{image.control_num_wrong} → {image.num_wrong} of {of}"


def file_name(image: ImageMistake) -> str:
    """Name of the image's file without its folder, or its number where it has none."""
    return image.file.rpartition("/")[2] or f"image {image.index}"


def _grids(m: Mistakes, most: int) -> Iterator[Grid]:
    """Grids of the images that there are pictures of, at most so many in each."""
    wrong = "wrong answer, the mean of its probability over seeds"
    changed = f"the seeds in which {m.control} and then {m.arm} is wrong"
    texts: dict[Kind, tuple[str, str]] = {
        "wrong": (
            f"Surest mistakes of {m.arm}",
            f"{wrong}, and the seeds in which the answer is wrong",
        ),
        "put right": (f"Put right by {m.arm}", f"{wrong} with {m.control}, and {changed}"),
        "broken": (f"Broken by {m.arm}", f"{wrong} with {m.arm}, and {changed}"),
    }
    totals: dict[Kind, int] = {"wrong": m.wrong, "put right": m.put_right, "broken": m.broken}
    for kind, (title, note) in texts.items():
        listed = zip(m.image_mistakes, m.pictures, strict=True)
        images = tuple((image, picture) for image, picture in listed if image.kind == kind)[:most]
        yield Grid(title=title, note=note, images=images, total=totals[kind])
