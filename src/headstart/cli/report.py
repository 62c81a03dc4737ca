"""`headstart report`: the report of a study from the store; runs nothing."""

from headstart.cli import arguments


@arguments.with_groups
def report(
    study: arguments.StoredStudy,
    *,
    store: arguments.StoreFolder = arguments.DEFAULT_STORE,
    files: arguments.Files,
    variants: arguments.Variants,
    json: arguments.AsJson = False,
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
