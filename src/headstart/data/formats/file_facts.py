"""Hash and header of every image file, measured in one pass and cached by file.

A file is measured again when its size or its time of change is another; an archive's members are
when the archive is. The cache is a text file for each folder or archive, to which lines are added
while files are measured, so that a pass that was killed goes on where it stopped.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from headstart.core.files import cache_folder, write_whole
from headstart.core.hashing import digest
from headstart.core.locks import locked
from headstart.data.formats.archives import Source
from headstart.data.formats.decode import (
    Broken,
    check,
    greatest_value,
    guarded,
    opened,
    upright_size,
)
from headstart.data.progress import Progress, reporting

VERSION = 2  # raised when a line means something else
CHUNK = 64  # files measured between two looks at the clock, and lines written at a time


class FileFacts(NamedTuple):
    """One image file: SHA-256 of its bytes, and its header. A line of the cache.

    `greatest` is the greatest value of an image of 16 bits per channel, which is decoded for that,
    and 0 for any other.

    `broken` says why it cannot be opened, or decoded where that was tried (`decoded`); the header
    is then empty.
    """

    name: str
    bytes: int
    changed: int  # nanoseconds
    sha256: str
    height: int
    width: int
    mode: str  # Pillow's
    broken: str
    decoded: bool
    greatest: int


def file_facts(source: Source, names: Sequence[str], decode: bool = False) -> list[FileFacts]:
    """Facts of files in the order of `names`.

    Args:
        source: the folder or archive that holds them.
        names: of the files.
        decode: whether files are decoded too, to find those whose body is broken.

    Raises:
        DataError: a file cannot be read.
    """
    path = cache_folder() / "files" / f"{digest([VERSION, str(source.path.absolute())])}.jsonl"
    with locked(path.with_suffix(".lock")):
        cached = _lines(path)
        known = {facts.name: facts for facts in cached}
        states = source.listing.files

        def valid(name: str) -> bool:
            facts = known.get(name)
            return (
                facts is not None
                and (facts.bytes, facts.changed) == states[name]
                and (facts.decoded or not decode or bool(facts.broken))
            )

        missing = [name for name in names if not valid(name)]
        if missing:
            with _adding(path) as add:
                for facts in _measured(source, missing, decode):
                    known[facts.name] = facts
                    add(facts)
            _tidy(path, len(cached) + len(missing), known, states)
    return [known[name] for name in names]


def _measured(source: Source, names: Sequence[str], decode: bool) -> Iterator[FileFacts]:
    """Facts of files, in order, measured by threads that read while others compute."""
    chunks = [names[first : first + CHUNK] for first in range(0, len(names), CHUNK)]
    what = "checking image files" if decode else "reading image files"
    report = reporting(Progress(what=what, place=source.path, num=len(names)))
    Image.init()  # not by several threads at once
    with ThreadPoolExecutor(num_threads()) as pool:
        try:
            done = pool.map(
                lambda chunk: [_measure(source, name, decode) for name in chunk], chunks
            )
            for number, found in enumerate(done):
                yield from found
                report(min((number + 1) * CHUNK, len(names)))
        finally:
            pool.shutdown(cancel_futures=True)


def num_threads() -> int:
    """Number of threads: the processors this process may use, at most 16."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(16, cores or 1)


def _measure(source: Source, name: str, decode: bool) -> FileFacts:
    sha256, broken, (height, width, mode, greatest) = "", "", (0, 0, "", 0)

    def look() -> tuple[int, int, str, int]:
        nonlocal sha256
        content = source.read(name)
        sha256 = hashlib.sha256(content).hexdigest()
        header = _header(content)
        if decode:
            check(content)
        return header

    found = guarded(name, look)
    if isinstance(found, Broken):
        broken = found.reason
    else:
        height, width, mode, greatest = found
    size, changed = source.listing.files[name]
    return FileFacts(name, size, changed, sha256, height, width, mode, broken, decode, greatest)


def _header(content: bytes) -> tuple[int, int, str, int]:
    """Height, width, mode and greatest value, upright.

    Nothing is decoded but a PNG with an orientation and images of 16 bits.
    """
    image = opened(content)
    # Pillow decodes a PNG before it says what the orientation is, which may follow the pixels.
    silent = image.format == "PNG" and b"eXIf" not in content and b"rientation" not in content
    height, width = image.size[::-1] if silent else upright_size(image)
    return height, width, image.mode, greatest_value(image)


def _lines(path: Path) -> list[FileFacts]:
    """What is cached. A line that is torn is passed over."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
    lines = [line for line in lines if line]
    try:  # all at once, in a third of the time
        return [FileFacts(*values) for values in json.loads(f"[{','.join(lines)}]")]
    except (ValueError, TypeError):
        return [facts for line in lines for facts in _line(line)]


def _line(line: str) -> list[FileFacts]:
    try:
        return [FileFacts(*json.loads(line))]
    except (ValueError, TypeError):
        return []


@contextlib.contextmanager
def _adding(path: Path) -> Iterator[Callable[[FileFacts], None]]:
    """A function that adds to the cache; one that cannot be written costs time, no more."""
    with contextlib.ExitStack() as stack:
        file = None
        with contextlib.suppress(OSError):
            file = stack.enter_context(path.open("a", encoding="utf-8"))
            file.write("\n")  # behind a line that was torn

        def add(facts: FileFacts) -> None:
            if file is not None:
                with contextlib.suppress(OSError):
                    file.write(json.dumps(facts) + "\n")

        yield add


def _tidy(
    path: Path, num_lines: int, known: dict[str, FileFacts], states: dict[str, tuple[int, int]]
) -> None:
    """Write the cache anew where it holds much that is no longer there."""
    there = [facts for name, facts in known.items() if name in states]
    if num_lines > 2 * len(there):
        with contextlib.suppress(OSError):
            write_whole(path, "".join(f"{json.dumps(facts)}\n" for facts in there).encode())


def content_of(entries: Iterable[tuple[str, ...]], *, by_units: bool = False) -> str:
    """SHA-256 over (part, path, SHA-256, label) of image files, in the order of part and path.

    Args:
        entries: of the files; where groups stay together, the group comes last.
        by_units: whether units decide which images validate, and not a seed and the order.
    """
    state = hashlib.sha256(f"image files {2 if by_units else 1}\n".encode())
    encode = json.JSONEncoder(separators=(",", ":")).encode
    for entry in sorted(entries):
        state.update(encode(entry).encode() + b"\n")
    return state.hexdigest()
