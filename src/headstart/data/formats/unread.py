"""Files that are passed over: named with what to do, and refused where a class loses most of it."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from headstart.data.errors import fault
from headstart.data.formats.archives import Listing
from headstart.data.formats.file_kinds import is_read, is_unread, why_unread, why_unread_kinds
from headstart.data.formats.left_out import left_out
from headstart.study.dataset_facts import LeftOut

SHOWN = 6  # folders named


def refuse_losses(where: Path, listing: Listing, skip_broken: bool) -> None:
    """Raise a DataError where a folder name has mostly images of kinds that cannot be read.

    Folders of one name are counted together: they are the parts of one class. With `skip_broken`
    only a class without any image that can be read is refused.
    """
    read = Counter(_class(name) for name in listing.files if is_read(name))
    unread = Counter(_class(name) for name in listing.files if is_unread(name))
    lost = [
        name
        for name, number in sorted(unread.items())
        if not read[name] or (number > read[name] and not skip_broken)
    ]
    if not lost:
        return
    shown = [f"{unread[name]:,} of {unread[name] + read[name]:,} in {name}/" for name in lost]
    more = f" and {len(lost) - SHOWN:,} more folders" if len(lost) > SHOWN else ""
    names = [name for name in listing.files if is_unread(name) and _class(name) in lost]
    skip = "" if any(not read[name] for name in lost) else "--skip-broken goes on without them."
    raise fault(
        where,
        f"most images of a class cannot be read: {', '.join(shown[:SHOWN])}{more}.",
        "\n     ".join(f"{reason}." for reason in why_unread_kinds(names)),
        skip,
    )


def passed_over(names: Iterable[str], others: str) -> tuple[LeftOut, ...]:
    """Files that are not read, and why: images of other kinds, and what is no image (`others`)."""
    unread = sorted(name for name in names if is_unread(name))
    by_reason: dict[str, list[str]] = {}
    for name in unread:
        by_reason.setdefault(why_unread(name), []).append(name)
    images = [entry for why, some in by_reason.items() for entry in left_out(some, why)]
    return (*images, *left_out(set(names) - set(unread), others))


def _class(name: str) -> str:
    """Name of the folder that a file lies in."""
    return PurePosixPath(name).parent.name
