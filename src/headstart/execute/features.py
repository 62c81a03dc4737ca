"""Where workers that share a store share what frozen layers make of images."""

from headstart.core.shelf import Shelf
from headstart.store.store import Store


def shelf_of(store: Store) -> Shelf:
    """The shelf beside a store: nothing on it outlives the run that needs it."""
    return Shelf(store.folder / "features")
