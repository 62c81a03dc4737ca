"""`headstart status`: the studies of a store and their progress."""

from pathlib import Path

from headstart.cli import arguments


def status(store: arguments.StoreFolder = arguments.DEFAULT_STORE) -> None:
    """List the studies of a store: trials done, steps stored, steps failed."""
    from headstart import flow

    flow.need_store(store)
    print_studies(store)


def print_studies(folder: Path) -> None:
    """Print a line for each study of a store."""
    from rich.console import Console

    from headstart import flow
    from headstart.report.terminal.plan import print_status
    from headstart.store.store import Store

    with Store(folder, reading=True) as opened:
        progress = flow.progress(opened)
    if not progress:
        print(f"The store {folder} holds no study yet.")
        return
    print_status(progress, Console())
