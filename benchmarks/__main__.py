"""`python -m benchmarks`: every question, side by side, into one CSV file and one table."""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import (
    data,
    frozen,
    limits,
    machine,
    photo_memory,
    photos,
    photos_100k,
    probes,
    recipes,
    scale,
    studies,
)
from benchmarks.measure import Bench
from benchmarks.results import table, write_csv

QUESTIONS = {
    "recipes": recipes.ask,
    "frozen": frozen.ask,
    "probes": probes.ask,
    "limits": limits.ask,
    "photos": photos.ask,
    "photo-memory": photo_memory.ask,
    "photos-100k": photos_100k.ask,
    "scale": scale.ask,
    "studies": studies.ask,
}
SHORT = ("recipes", "frozen", "probes", "limits", "photo-memory")


def main() -> None:
    """Ask the questions, print the table, write the CSV file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(QUESTIONS))
    parser.add_argument("--full", action="store_true", help="all epochs, which takes hours")
    parser.add_argument("--short", dest="full", action="store_false", help="the default")
    parser.add_argument("--share", type=float, help="share of the epochs, not the usual ones")
    parser.add_argument("--repeats", type=int, help="rounds over all sides (1 with --full, else 3)")
    parser.add_argument("--recipe", action="append", help="only this recipe; may be repeated")
    parser.add_argument("--against", action="append", help="only this side (Keras, JAX, ...)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/latest.csv"))
    given = parser.parse_args()
    unknown = set(given.questions) - set(QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(sorted(unknown))}")
    with TemporaryDirectory(prefix="headstart-bench-") as folder:
        bench = Bench(
            folder=Path(folder),
            full=given.full,
            repeats=given.repeats,
            only=tuple(given.recipe or ()),
            against=tuple(given.against or ()),
            share=given.share,
        )
        print(f"load average {os.getloadavg()[0]:.1f}; {data.described()}", flush=True)
        figures = []
        for name in given.questions or (QUESTIONS if given.full else SHORT):
            figures += QUESTIONS[name](bench)
        print(table(figures))
        setting = machine.setting("full" if given.full else "short", data.described())
        write_csv(given.out, bench.samples, setting)
        print(f"\n{given.out}: {len(bench.samples)} rows")


if __name__ == "__main__":
    main()
