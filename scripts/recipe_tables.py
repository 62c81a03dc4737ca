"""Tables of a recipe's page from what `headstart run RECIPE --json` printed: nothing typed by hand.

headstart run mnist-parity --json > study.json
headstart run mnist-parity --as-published --json > published.json
python scripts/recipe_tables.py study.json published.json
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def main() -> None:
    """Print the tables of each document named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("documents", nargs="+", type=Path, help="what --json printed")
    for path in parser.parse_args().documents:
        document = json.loads(path.read_text(encoding="utf-8"))
        lines = published_table(document) if document["published"] else study_tables(document)
        print("\n".join([f"<!-- {path.stem} -->", *lines, ""]))


def published_table(document: Document) -> Iterator[str]:
    """Published figures beside Keras' and headstart's."""
    yield "| figure | published | Keras here | headstart |"
    yield "| --- | ---: | ---: | ---: |"
    for row in document["published"]:
        cells = (_figure(row["figure"], row[name]) for name in ("published", "keras", "headstart"))
        yield f"| {row['figure']} | {' | '.join(cells)} |"
    yield ""
    yield from gate_lines(document)


def gate_lines(document: Document) -> Iterator[str]:
    """What the gates say of it."""
    for gate in document["gates"]:
        if not gate["passed"]:
            yield f"- **{gate['id']}** ({gate['severity']}): {gate['message']}"


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if "parameters" in name:
        return f"{value:,.0f}"
    return f"{value:.1f} s" if "time" in name else f"{value:.4f}"


def study_tables(document: Document) -> Iterator[str]:
    """The headline, and test accuracy and gain of each arm at each size, a table for each pair."""
    yield f"> {document['headline']}"
    pairs = dict.fromkeys((arm["source"], arm["target"]) for arm in document["arms"])
    for source, target in pairs:
        arms = [a for a in document["arms"] if (a["source"], a["target"]) == (source, target)]
        compared = [
            c for c in document["comparisons"] if (c["source"], c["target"]) == (source, target)
        ]
        yield ""
        yield f"Test accuracy in % (mean ± sd over {len(document['seeds'])} seeds), gain over the"
        yield "control in percentage points with the interval that the verdict is read from, and"
        yield f"the verdict; {source} -> {target}:"
        yield ""
        yield from _pair_table(arms, compared)
    yield ""
    if document["family_size"] > 1:
        yield "Intervals are 95 % intervals over seeds and test images; those of transfer arms are"
        yield f"wider, adjusted for all {document['family_size']} of their comparisons (Holm)."
        yield ""
    yield from attribution_lines(document)
    yield from gate_lines(document)


def attribution_lines(document: Document) -> Iterator[str]:
    """What gains may be put down to, those alike together; arms without a gain are left out."""
    images = {(a["target"], a["size"]): a["num_images"] for a in document["arms"]}
    gained = {
        f"{c['arm']} with {images[c['target'], c['size']]:,} images"
        for c in document["comparisons"]
        if c["verdict"] == "helps"
    }
    readings: dict[str, list[str]] = {}
    for note in document["attribution_notes"]:
        place, reading = note.split(": ", 1)
        if place in gained:
            readings.setdefault(reading, []).append(place)
    for reading, places in readings.items():
        yield f"- {'; '.join(places)}: {reading}"


def _pair_table(arms: list[Document], compared: list[Document]) -> Iterator[str]:
    sizes = list(dict.fromkeys((arm["size"], arm["num_images"]) for arm in arms))
    yield "| arm | " + " | ".join(f"{images:,} images" for _, images in sizes) + " |"
    yield "| --- |" + " --- |" * len(sizes)
    for name in dict.fromkeys(arm["arm"] for arm in arms):
        cells = []
        for size, _ in sizes:
            arm = next((a for a in arms if (a["arm"], a["size"]) == (name, size)), None)
            gain = next((c for c in compared if (c["arm"], c["size"]) == (name, size)), None)
            cells.append(_cell(arm, gain))
        yield f"| {name} | {' | '.join(cells)} |"


def _cell(arm: Document | None, gain: Document | None) -> str:
    if arm is None or arm["mean"] is None:
        return ""
    spread = "" if arm["sd"] is None else f" ± {100 * arm['sd']:.1f}"
    text = f"{100 * arm['mean']:.1f}{spread}"
    if gain is not None and gain["low_pp"] is not None:
        text += f"; {gain['gain_pp']:+.1f} [{gain['low_pp']:+.1f}, {gain['high_pp']:+.1f}]"
        text += f" {gain['verdict']}"
    return text


if __name__ == "__main__":
    main()
