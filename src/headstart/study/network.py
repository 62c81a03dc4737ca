"""The network of a study: declared layer by layer, or taken from a library or a file."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag

from headstart.core.errors import known_names, nearest
from headstart.study.base import Spec
from headstart.study.declared import NAMED_NETWORKS, DeclaredNetwork

Library = Literal["timm", "torchvision", "keras", "keras-on-torch", "hf", "module"]
LIBRARIES: tuple[Library, ...] = get_args(Library)


class LibraryNetwork(Spec):
    """A network by the name that a library or a file gives it, written `"timm:resnet18"`.

    `timm` and `torchvision` take the name of an architecture, `hf` that of a model on the Hugging
    Face hub or a folder with its config.json, `keras` a .keras or .h5 file (`keras-on-torch`
    the same, run by Keras), `module` a file of Python and in it the name of a function that makes a
    torch module: `module:net.py:make`.
    """

    kind: Library
    name: Annotated[str, Field(min_length=1)]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


AnyNetwork = DeclaredNetwork | LibraryNetwork


def _named(given: Any) -> Any:
    """A declared network by its name, or a library's as `kind:name`."""
    if not isinstance(given, str):
        return given
    if given in NAMED_NETWORKS:
        return NAMED_NETWORKS[given]
    kind, colon, name = given.partition(":")
    if colon and kind in LIBRARIES:
        return {"kind": kind, "name": name}
    hint = nearest(given, NAMED_NETWORKS) or nearest(kind, LIBRARIES)
    raise ValueError(
        f"network '{given}' is not known. {known_names(NAMED_NETWORKS)} Or a library's: "
        f"{', '.join(f'{library}:NAME' for library in LIBRARIES)}. "
        f"{hint or 'Or write a [network] table with stages.'}"
    )


def _member(given: Any) -> str:
    """Which of the two a table or an object is meant to be."""
    if isinstance(given, LibraryNetwork) or (isinstance(given, dict) and "name" in given):
        return LibraryNetwork.__name__
    return DeclaredNetwork.__name__


Network = Annotated[
    Annotated[
        Annotated[DeclaredNetwork, Tag("DeclaredNetwork")]
        | Annotated[LibraryNetwork, Tag("LibraryNetwork")],
        Discriminator(_member),
    ],
    BeforeValidator(_named),
]


def _meant(given: str) -> str:
    """A suggestion for a name without its library, or with one that is misspelt."""
    library, colon, name = given.partition(":")
    if not colon:
        file = given.lower().endswith((".keras", ".h5"))
        return f"Did you mean '{'keras' if file else 'timm'}:{given}'?"
    close = get_close_matches(library.lower(), LIBRARIES, n=1, cutoff=0.5)
    return f"Did you mean '{close[0]}:{name}'?" if close else ""


def _from_library(given: Any) -> Any:
    allowed = ", ".join(f"{library}:NAME" for library in LIBRARIES)
    if isinstance(given, str) and given not in NAMED_NETWORKS:
        library, colon, _ = given.partition(":")
        if library not in LIBRARIES or not colon:
            raise ValueError(
                f"'{given}' names no library's network; allowed: {allowed}. {_meant(given)}".strip()
            )
    named = _named(given)
    if isinstance(named, DeclaredNetwork):
        raise ValueError(
            f"network '{given}' is declared and has no pretrained weights; allowed: {allowed}"
        )
    return named


Pretrained = Annotated[LibraryNetwork, BeforeValidator(_from_library)]
