"""CIFAR-10's Python batches: pickles of rows of bytes, read without running what is in them.

A pickle may name any function of any module to be called. Here it may name what numpy's arrays are
put together by, and each of those names stands for a function of this file.
"""

import gzip
import hashlib
import io
import json
import pickle
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.array_cache import Rows
from headstart.core.hashing import digest
from headstart.data.catalogue import BATCHES, BATCHES_META, KnownSet, Part
from headstart.data.decoded_cache import decoded_cache
from headstart.data.errors import as_path, fault, get_again
from headstart.data.images import Content, Images

VERSION = 1  # raised when the same files give other arrays
SHAPE = (32, 32, 3)
ARRAYS = ("pixels", "labels", "classes")
PLANES = (3, 32, 32)  # of one row: red, green, blue
LARGEST = 1 << 28  # bytes of one batch; the official ones have 31 million
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "b1")


def read_batches(
    files: tuple[Path, ...], stamp: str, part: Part, known: KnownSet | None
) -> Content:
    """One part, from the unpacked files or the archive, whose state is `stamp`.

    Raises:
        DataError: a file is torn, holds something else, or is not that of the known set.
    """

    sums = dict(known.checksums) if known else None
    name = digest({"batches": stamp, "part": part, "version": VERSION, "known": sums})
    cache = decoded_cache()
    with cache.turn(name):
        cached = [cache.get(f"{name}-{what}") for what in ARRAYS]
        if any(array is None for array in cached):
            parsed = _parsed(files, part, known)
            cached = [
                cache.filled(f"{name}-{what}", array.shape, array.dtype, _rows_of(array))
                for what, array in zip(ARRAYS, parsed, strict=True)
            ]
            # Where the cache cannot be written they stay in memory.
            cached = [a if kept is None else kept for a, kept in zip(parsed, cached, strict=True)]
    pixels, labels, classes = (array for array in cached if array is not None)
    return Content(
        images=Images(pixels, labels),
        origin=", ".join(BATCHES[part]),
        classes=tuple(json.loads(classes.tobytes())),
    )


def _parsed(
    files: tuple[Path, ...], part: Part, known: KnownSet | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, labels and the names of the classes, as JSON in bytes."""
    contents = _contents(files, part)
    classes = _classes(contents[BATCHES_META], _place(files, BATCHES_META))
    batches = [_batch(contents[name], _place(files, name), len(classes)) for name in BATCHES[part]]
    # Structure first: a torn file is then called torn, and not merely other.
    if known:
        for name, content in contents.items():
            _check_sum(name, content, files, known)
    pixels = np.concatenate([rows for rows, _ in batches])
    return (
        np.ascontiguousarray(pixels.reshape(-1, *PLANES).transpose(0, 2, 3, 1)),
        np.concatenate([labels for _, labels in batches]),
        np.frombuffer(json.dumps(classes).encode(), np.uint8),
    )


def _rows_of(array: np.ndarray) -> Rows:
    """An array that is there, from a row on."""
    return lambda first: iter([array[first:]])


def _contents(files: tuple[Path, ...], part: Part) -> dict[str, bytes]:
    """The bytes of each file of a part, by name."""
    wanted = (*BATCHES[part], BATCHES_META)
    try:
        if len(files) > 1:
            return {path.name: path.read_bytes() for path in files}
        found = _unpacked(files[0], wanted)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise fault(
            files[0],
            f"the archive is torn or damaged: {error}.",
            "Expected a whole .tar.gz.",
            get_again(files[0]),
        ) from error
    except OSError as error:
        raise fault(
            error.filename or files[0],
            f"cannot be read: {error.strerror or error}.",
            fix="Check its access rights.",
        ) from error
    missing = [name for name in wanted if name not in found]
    if missing:
        raise fault(
            files[0],
            f"holds no {', no '.join(missing)}.",
            f"Expected CIFAR-10's archive, with {', '.join(wanted)}.",
            get_again(files[0]),
        )
    return found


def _unpacked(archive: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            name = member.name.rpartition("/")[2]
            if name in wanted and member.isfile() and member.size <= LARGEST:
                file = members.extractfile(member)
                assert file is not None
                with file:
                    found[name] = file.read()
    return found


def _place(files: tuple[Path, ...], name: str) -> str:
    """Name of a file in messages."""
    return str(files[0].parent / name) if len(files) > 1 else f"{files[0]}: {name}"


def _classes(content: bytes, place: str) -> tuple[str, ...]:
    names = _unpickled(content, place).get("label_names")
    if not isinstance(names, list) or not all(isinstance(name, str | bytes) for name in names):
        raise fault(place, "holds no list 'label_names'.", "Expected the names of the classes.")
    return tuple(name.decode("latin1") if isinstance(name, bytes) else name for name in names)


def _batch(content: bytes, place: str, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of bytes and labels."""
    batch = _unpickled(content, place)
    rows, labels = batch.get("data"), batch.get("labels")
    width = int(np.prod(SHAPE))
    found = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
    if not isinstance(rows, np.ndarray) or not _is_rows(rows, width):
        raise fault(place, f"'data' is {found}.", f"Expected uint8 (n, {width}).", get_again(place))
    if not isinstance(labels, list) or len(labels) != len(rows):
        found = f"{len(labels):,}" if isinstance(labels, list) else "no list of"
        raise fault(place, f"has {len(rows):,} images and {found} labels.", fix=get_again(place))
    strange = [label for label in labels if not (type(label) is int and 0 <= label < num_classes)]
    if strange:
        raise fault(
            place,
            f"label {strange[0]!r} is out of range.",
            f"Expected labels from 0 to {num_classes - 1}.",
        )
    return rows, np.array(labels, dtype=np.int64)


def _is_rows(array: np.ndarray, width: int) -> bool:
    return (
        array.dtype == np.uint8 and array.ndim == 2 and array.shape[1] == width and array.size > 0
    )


def _check_sum(name: str, content: bytes, files: tuple[Path, ...], known: KnownSet) -> None:
    wanted = known.checksums[name]
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != wanted:
        raise fault(
            _place(files, name),
            f"is not the file of '{known.name}': its bytes have MD5 {found}.",
            f"Expected {wanted}.",
            f"{get_again(files[0])} {as_path(files[0].parent if len(files) > 1 else files[0])}",
        )


def _unpickled(content: bytes, place: str) -> dict[str, Any]:
    """The dictionary in a pickle, its keys as text.

    Raises:
        DataError: the pickle is torn, or names anything but what arrays are made of.
    """
    try:
        value = _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except _Refused as error:
        raise fault(
            place,
            f"is a pickle that would run {error}.",
            "Expected arrays, lists, text and numbers only.",
            "Do not trust this file.",
        ) from error
    except Exception as error:  # whatever damaged bytes make the unpickler do
        raise fault(
            place,
            f"is no whole pickle ({error}).",
            "Expected a batch of CIFAR-10.",
            get_again(place),
        ) from error
    if not isinstance(value, dict):
        raise fault(
            place, f"holds a {type(value).__name__}.", "Expected a dictionary.", get_again(place)
        )
    return {k.decode("latin1") if isinstance(k, bytes) else str(k): v for k, v in value.items()}


class _Refused(Exception):
    """A name that a pickle has no business to name."""


class _Array:
    """Stands for `numpy.ndarray` where a pickle names it; never made."""


def _empty_array(kind: object, shape: object, code: object) -> np.ndarray:
    """What `numpy.core.multiarray._reconstruct` does: the pickle fills in shape and bytes next."""
    if kind is not _Array:
        raise _Refused(f"numpy's reconstruction of {kind!r}")
    return np.ndarray((0,), dtype=np.uint8)


def _dtype(code: object, *_: object) -> "np.dtype[Any]":
    """A type of plain numbers; arrays of objects could hold anything."""
    text = code.decode("latin1") if isinstance(code, bytes) else code
    if text not in DTYPES:
        raise _Refused(f"numpy.dtype({code!r})")
    return np.dtype(text)


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """The encoding of bytes that Python 3 pickles for Python 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise _Refused(f"codecs.encode(..., {encoding!r})")
    return text.encode("latin1")


ALLOWED: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise _Refused(f"{module}.{name}")
        return ALLOWED[module, name]
