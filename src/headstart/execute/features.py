"""Cache of frozen-trunk features, shared by the workers of a store."""

from headstart.core.array_cache import MemmapCache
from headstart.store.store import Store


def feature_cache(store: Store) -> MemmapCache:
    """A cache beside a store: nothing in it outlives the run that needs it."""
    return MemmapCache(store.folder / "features")
