"""Kinds of image files by suffix: which are read on this computer, and what to do with the others.

Pillow reads most kinds itself, and some with a package that is installed beside it. It is given
the kinds in this table alone: others have no signature, so that damaged bytes look like them, or
are containers, of which it would read a preview.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """One kind of image files.

    Attributes:
        title: what people call it.
        suffixes: of its files, in lower case.
        formats: names of its readers in Pillow; empty where it is never read.
        modules: any of these brings the reader; empty where Pillow always has it.
        install: the command that makes it readable.
        target: the suffix of what it is best converted to.
    """

    title: str
    suffixes: tuple[str, ...]
    formats: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    install: str = ""
    target: str = "png"

    @property
    def module(self) -> str | None:
        """The first of the modules that is installed."""
        return next((name for name in self.modules if find_spec(name) is not None), None)

    @property
    def is_read(self) -> bool:
        """Whether files of this kind can be read on this computer."""
        return bool(self.formats) and (not self.modules or self.module is not None)

    def unread(self, suffix: str = "") -> str:
        """Why files of this kind, with that suffix, are not read and what to do."""
        convert = f"magick mogrify -format {self.target} '*{suffix or self.suffixes[0]}'"
        ways = [f"`{self.install}` lets headstart read it"] if self.install else []
        return f"{self.title} is not read: {', '.join([*ways, f'`{convert}` converts it'])}"


_READ_BY_PILLOW = (
    ("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), ("JPEG",)),
    ("PNG", (".png", ".apng"), ("PNG",)),
    ("BMP", (".bmp", ".dib"), ("BMP", "DIB")),
    ("GIF", (".gif",), ("GIF",)),
    ("WebP", (".webp",), ("WEBP",)),
    ("TIFF", (".tif", ".tiff"), ("TIFF",)),
    ("PNM", (".ppm", ".pgm", ".pbm", ".pnm"), ("PPM",)),
    ("JPEG 2000", (".jp2", ".j2k", ".jpf", ".jpx"), ("JPEG2000",)),
)
_NEVER_READ = (
    ("camera raw", (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef")),
    ("DICOM", (".dcm", ".dicom")),
    ("Photoshop", (".psd", ".psb")),
    ("SVG", (".svg", ".svgz")),
    ("OpenEXR", (".exr",)),
    ("Radiance HDR", (".hdr",)),
    ("Targa", (".tga",)),
    ("icon", (".ico",)),
)
KINDS: tuple[FileKind, ...] = (
    *(
        FileKind(title=title, suffixes=suffixes, formats=formats)
        for title, suffixes, formats in _READ_BY_PILLOW
    ),
    FileKind(
        title="AVIF",
        suffixes=(".avif",),
        formats=("AVIF",),
        modules=("PIL._avif",),
        install="pip install 'pillow>=11.3'",
        target="jpg",
    ),
    FileKind(
        title="HEIC",
        suffixes=(".heic", ".heif", ".hif"),
        formats=("HEIF",),
        modules=("pi_heif", "pillow_heif"),
        install="pip install 'headstart[heic]'",
        target="jpg",
    ),
    FileKind(
        title="JPEG XL",
        suffixes=(".jxl",),
        formats=("JXL",),
        modules=("pillow_jxl",),
        install="pip install pillow-jxl-plugin",
        target="jpg",
    ),
    *(FileKind(title=title, suffixes=suffixes) for title, suffixes in _NEVER_READ),
)
_BY_SUFFIX = {suffix: kind for kind in KINDS for suffix in kind.suffixes}
# Bytes 4 to 12 of a file: a box of the ISO base media format, or the signature of JPEG XL.
_SIGNATURES = {
    **{f"ftyp{brand}".encode(): "HEIC" for brand in ("heic", "heix", "heim", "hevc", "mif1")},
    **{f"ftyp{brand}".encode(): "AVIF" for brand in ("avif", "avis")},
    b"JXL \r\n\x87\n": "JPEG XL",
}


@cache
def read_suffixes() -> tuple[str, ...]:
    """Suffixes of the image files that can be read on this computer."""
    return tuple(suffix for kind in KINDS if kind.is_read for suffix in kind.suffixes)


@cache
def pillow_formats() -> tuple[str, ...]:
    """Pillow's names of the kinds that can be read here, once their packages are registered."""
    kinds = [kind for kind in KINDS if kind.is_read]
    for kind in kinds:
        module = import_module(kind.module) if kind.module else None
        register = getattr(module, "register_heif_opener", None)
        if register is not None:  # the others register themselves once they are imported
            register()
    return tuple(name for kind in kinds for name in kind.formats)


def is_read(name: str) -> bool:
    """Whether a file is an image, by its suffix, and of a kind that can be read here."""
    return name.lower().endswith(read_suffixes())


def is_decodable(name: str) -> bool:
    """The same, or would be once a package is installed."""
    kind = _kind_of(name)
    return kind is not None and bool(kind.formats)


def is_unread(name: str) -> bool:
    """Whether a file is an image, by its suffix, and of a kind that cannot be read here."""
    kind = _kind_of(name)
    return kind is not None and not kind.is_read


def why_unread(name: str) -> str:
    """Why a file of a kind that cannot be read is left out, and what to do."""
    kind = _kind_of(name)
    assert kind is not None
    return kind.unread(PurePosixPath(name).suffix)


def why_unread_kinds(names: Iterable[str]) -> list[str]:
    """The same for many files, once for each kind."""
    return list({_kind_of(name): why_unread(name) for name in names}.values())


def unread_by_content(content: bytes) -> str:
    """Why bytes that Pillow does not identify are none of its images; empty where unknown."""
    title = _SIGNATURES.get(content[4:12])
    kind = next((kind for kind in KINDS if kind.title == title), None)
    if kind is None:
        return ""
    return f"a damaged {kind.title} file" if kind.is_read else kind.unread()


def _kind_of(name: str) -> FileKind | None:
    return _BY_SUFFIX.get(PurePosixPath(name).suffix.lower())
