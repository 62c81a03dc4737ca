"""What a contact sheet says of a data set in words, for its page and for a terminal."""

from collections.abc import Iterable, Iterator

from headstart.analyse.text import plural
from headstart.data.contact_sheet import COMPARED, MOST_COMPARED, NEAR, ContactSheet
from headstart.report.found import left_out_text
from headstart.report.leaks import NOT_SOUGHT, kinds_sought
from headstart.study.dataset_facts import DatasetFacts

UNEQUAL = 5  # times as many images as the rarest class has, from which on it is said


def headline(facts: DatasetFacts) -> str:
    """How many images of how many classes there are, and what for."""
    train, test = sum(facts.train_counts), sum(facts.test_counts)
    return (
        f"{plural(train + test, facts.noun)} of {len(facts.classes):,} classes: "
        f"{train:,} to train on, {test:,} to test with."
    )


def facts_found(sheet: ContactSheet) -> Iterator[tuple[str, str]]:
    """What was found, as labels and texts."""
    facts = sheet.facts
    yield "Read from", facts.place
    yield "Test part", facts.test_from or "none"
    sizes = [(f"{high:,} x {wide:,}", number) for (high, wide), number in sheet.sizes]
    yield "Height x width", _counted(sizes, sheet.num_sizes)
    yield "Colours", _counted(sheet.colours, len(sheet.colours))
    if facts.left_out:
        yield "Left out", left_out_text(facts.left_out)
    yield "Likely copies", _copies(sheet)
    if facts.note:
        yield "Note", facts.note


def alerts(sheet: ContactSheet) -> Iterator[str]:
    """What to look at before anything is trained."""
    facts, copies = sheet.facts, sheet.copies
    if copies.across_classes:
        yield (
            f"{plural(copies.across_classes, 'pair')} of likely copies under two labels: one of "
            "them is wrong, or a picture does not show which class it is."
        )
    if copies.across_parts:
        yield (
            f"{plural(copies.across_parts, 'pair')} of likely copies in both parts: a network "
            "would be tested on images that it has learnt. A study leaves those test images out."
        )
    if facts.bits_wanted:
        yield (
            f"The 16-bit images have values up to {max(facts.deep.values()):,}: write "
            f"image = {{ bits = {facts.bits_wanted} }} in the task, as these pictures are shown."
        )
    counts = dict(zip(facts.classes, facts.train_counts, strict=True))
    rare, frequent = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[frequent] >= UNEQUAL * max(counts[rare], 1):
        yield (
            f"Classes are unequal: {counts[rare]:,} training {facts.noun}s of '{rare}', "
            f"{counts[frequent]:,} of '{frequent}'."
        )


def how_compared(sheet: ContactSheet) -> str:
    """What counts as a likely copy."""
    size = f" at {COMPARED[0]} x {COMPARED[1]} pixels" if sheet.facts.from_files else ""
    equal = (
        f"Equal and mirrored images{size}, and images of one class that are equal once they are "
        "turned by quarters, inverted or shifted by up to 2 pixels"
    )
    if not sheet.copies.near_sought:
        return f"{equal}; near ones are sought among {MOST_COMPARED:,} at most. {NOT_SOUGHT}"
    return (
        f"{equal}; those as well whose grey values correlate by {NEAR} or more, shifted ones "
        f"excepted. {NOT_SOUGHT}"
    )


def _copies(sheet: ContactSheet) -> str:
    copies = sheet.copies
    if not copies.num:
        kinds = kinds_sought(near=copies.near_sought)
        return f"no {kinds} images found{'' if copies.near_sought else '; near ones not sought'}"
    return (
        f"{plural(copies.num, 'pair')}, {copies.across_parts:,} of them in both parts, "
        f"{copies.across_classes:,} under two labels"
    )


def _counted(entries: Iterable[tuple[str, int]], num_kinds: int) -> str:
    shown = [f"{name} ({number:,})" for name, number in entries]
    more = f" and {num_kinds - len(shown):,} others" if num_kinds > len(shown) else ""
    return f"{', '.join(shown)}{more}"
