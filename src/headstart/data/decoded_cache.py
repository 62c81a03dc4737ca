"""Cache of decoded images, so that they are decoded once and shared by all processes."""

from headstart.core.array_cache import MemmapCache
from headstart.core.files import cache_folder

LIMIT = 64 << 30  # bytes, of all data sets


def decoded_cache() -> MemmapCache:
    """The cache in the user's folder for caches."""
    return MemmapCache(cache_folder() / "decoded", LIMIT, lasting=True)
