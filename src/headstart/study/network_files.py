"""Networks that are made of files: in a step's key their content stands for their name."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from headstart.study.network import AnyNetwork, LibraryNetwork, Network


class FileNetwork(LibraryNetwork):
    """A library's network whose files have been looked at: `content` is a hash of them."""

    content: str


_NETWORK: TypeAdapter[AnyNetwork] = TypeAdapter(Network)


def network_from(payload: dict[str, Any], files: Mapping[str, str]) -> AnyNetwork:
    """The network that a step's payload names; `files` says where one lies, by its content."""
    if "content" not in payload:
        return _NETWORK.validate_python(payload)
    content = payload["content"]
    return FileNetwork(kind=payload["kind"], name=files[content], content=content)
