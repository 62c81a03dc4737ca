"""`headstart report`: the report of a study from the store; runs nothing."""

from headstart.cli.arguments import (
    DEFAULT_STORE,
    AsJson,
    Files,
    StoreFolder,
    Study,
    Variants,
    with_groups,
)


@with_groups
def report(
    study: Study,
    *,
    store: StoreFolder = DEFAULT_STORE,
    files: Files,
    variants: Variants,
    json: AsJson = False,
) -> None:
    """Report what a store holds of a study."""
    from headstart import flow
    from headstart.cli.output import require_writable, show
    from headstart.store.store import Store

    flow.need_store(store)
    require_writable(files)
    with Store(store, reading=True) as opened:
        reopened = flow.reopen(opened, study, variants.names)
        analysis, summary = flow.report_again(opened, reopened)
    show(analysis, summary, store, files, as_json=json)
