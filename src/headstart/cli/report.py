"""`headstart report`: the report of a study from the store; runs nothing."""

from pathlib import Path

from headstart.cli.arguments import (
    AsJson,
    AsPublished,
    Csv,
    Html,
    Quick,
    StoreFolder,
    Study,
    Thorough,
    variants_of,
)


def report(
    study: Study,
    store: StoreFolder = Path("headstart-store"),
    html: Html = None,
    csv: Csv = None,
    as_published: AsPublished = False,
    thorough: Thorough = False,
    quick: Quick = False,
    json: AsJson = False,
) -> None:
    """Report what a store holds of a study."""
    from headstart import flow
    from headstart.cli.output import need_places, show
    from headstart.store.store import Store

    flow.need_store(store)
    need_places(html, csv)
    with Store(store, reading=True) as opened:
        recalled = flow.reopen(opened, study, variants_of(thorough, as_published, quick))
        analysis, summary = flow.report_again(opened, recalled)
    show(analysis, summary, store, html=html, csv=csv, as_json=json)
