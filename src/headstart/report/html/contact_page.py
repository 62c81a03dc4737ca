"""HTML page of a contact sheet: one file without scripts or external files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from headstart.analyse.analysis.picture import picture_of
from headstart.core.files import write_whole
from headstart.data.contact_sheet import ContactSheet
from headstart.report import contact
from headstart.report.html.environment import plain_environment
from headstart.report.pictures import data_uri, is_tiny

MOST_CLASSES = 200  # with pictures; the table has all


def write_contact_page(sheet: ContactSheet, path: Path) -> None:
    """Write the page of a data set to `path`, whole or not at all."""
    write_whole(path, contact_page(sheet).encode())


def contact_page(sheet: ContactSheet) -> str:
    """Page of a contact sheet as text."""
    facts = sheet.facts
    counts = list(zip(facts.classes, facts.train_counts, facts.test_counts, strict=True))
    template = plain_environment().get_template("contact.html.j2")
    return template.render(
        sheet=sheet,
        facts=facts,
        headline=contact.headline(facts),
        found=list(contact.facts_found(sheet)),
        alerts=list(contact.alerts(sheet)),
        how_compared=contact.how_compared(sheet),
        counts=counts,
        most=max(train + test for _, train, test in counts),
        classes=list(zip(counts, sheet.classes, strict=True))[:MOST_CLASSES],
        **picture_tools(),
    )


def picture_tools() -> dict[str, Callable[[np.ndarray], object]]:
    """Functions that `picture.html.j2` needs to show pixels."""
    return {
        "uri": lambda pixels: data_uri(picture_of(pixels)),
        "tiny": lambda pixels: is_tiny(picture_of(pixels)),
    }
