"""`headstart status`: the studies of a store and their progress."""

from headstart.cli import arguments


def status(store: arguments.StoreFolder = arguments.DEFAULT_STORE) -> None:
    """List the studies of a store: trials done, steps stored, steps failed."""
    from rich.console import Console

    from headstart import flow
    from headstart.report.terminal.plan import print_status
    from headstart.store.store import Store

    flow.need_store(store)
    with Store(store, reading=True) as opened:
        progress = flow.progress(opened)
    if not progress:
        print(f"The store {store} holds no study yet.")
        return
    print_status(progress, Console())
