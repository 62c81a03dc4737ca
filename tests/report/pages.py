"""Pages of made-up analyses, and their parts, for the tests of the HTML report."""

from dataclasses import replace
from functools import cache

from analyses import ARMS, FAMILIES, FIGURES, SIZES, SUMMARY, analysis
from benefits import with_benefits
from leak_reports import LEAKS, NO_LEAKS
from mistake_reports import CONFUSIONS, mistakes

from headstart.analyse.analysis import Analysis
from headstart.report.html.page import page

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)>{{ 7*7 }}'

CASES = {
    "plain": analysis(),
    "one seed": analysis(num_seeds=1),
    "gaps": analysis(
        missing=[("full", "50", seed) for seed in range(5)],
        absent=[("probe", "10%"), ("scratch", "100")],
    ),
    "invalid": analysis(invalid=True),
    "no comparison": analysis(compared=False),
    "one arm": analysis(arms=["scratch"]),
    "many arms": analysis(arms=[*ARMS, *(f"freeze_{cut}" for cut in range(9))], sizes=SIZES[:2]),
    "several pairs": analysis(pairs=[("letters", "digits"), ("fashion", "digits")]),
    "hostile": analysis(
        arms=["scratch", HOSTILE, "e" + HOSTILE],
        pairs=[(HOSTILE, "digits")],
        sizes=[(HOSTILE, 50)],
        study=HOSTILE,
        question=HOSTILE,
        failures=[HOSTILE],
    ),
    "full": analysis(
        arms=[*ARMS, "label_map"],
        swept=FAMILIES,
        published=FIGURES,
        note="Cut from the training part.",
    ),
    "sweep with gaps": analysis(
        num_seeds=1,
        swept=("AnB", "BnB"),
        swept_at=("50", "100"),
        absent=[("AnB@stem", "50")],
        pairs=[("letters", "digits"), ("fashion", "digits")],
    ),
    "hostile cuts": analysis(swept=("AnB",), cuts=[HOSTILE, HOSTILE + "2"], note=HOSTILE),
    "no validation": analysis(validated=False, sizes=SIZES[:1]),
    "nothing": analysis(arms=[], pairs=[]),
    "worth": with_benefits(analysis()),
    "worth of one seed": with_benefits(analysis(num_seeds=1, validated=False, sizes=SIZES[:1])),
    "mistakes": replace(analysis(), mistakes=(mistakes(side=96),), confusions=CONFUSIONS),
    "leaks": replace(analysis(), leaks=(LEAKS,)),
    "no leaks": replace(analysis(), leaks=(NO_LEAKS,)),
    "hostile leaks": replace(
        analysis(),
        leaks=(replace(LEAKS, source=HOSTILE, common_classes=(HOSTILE,)), NO_LEAKS),
    ),
}


@cache
def page_of(given: Analysis) -> str:
    """Page of an analysis."""
    return page(given, SUMMARY)


def first_screen(text: str) -> str:
    """First section of a page."""
    return text.split("<main>")[1].split("</section>")[0]


def section(text: str, title: str) -> str:
    """Content below a title of the page, up to the next of its kind; empty without it."""
    _, _, rest = text.partition(f"<h2>{title}</h2>")
    if not rest:
        _, _, rest = text.partition(f"<h3>{title}</h3>")
        rest = rest.split("<h3>")[0]
    return rest.split("</section>")[0]
