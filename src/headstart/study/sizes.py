"""How much target data an arm gets: a count, a number per class, a fraction, or all of it."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from headstart.study.base import Spec

ALLOWED = 'a count (50), "5 per class", a fraction (0.1 or "10%"), or "all"'


class SizeSpec(Spec):
    """An amount of labelled training images of the target task."""

    kind: Literal["count", "per_class", "fraction", "all"]
    value: float = 1.0

    @model_validator(mode="after")
    def _possible(self) -> "SizeSpec":
        if self.kind == "fraction":
            possible = 0 < self.value <= 1
        else:
            possible = self.value >= 1 and self.value == int(self.value)
        if not possible:
            raise ValueError(f"{self.value:g} is not a value for {self.kind}; allowed: {ALLOWED}")
        return self

    @property
    def label(self) -> str:
        """The size as a user writes it."""
        if self.kind == "all":
            return "all"
        if self.kind == "fraction":
            return f"{self.value * 100:g}%"
        return f"{self.value:.0f}" + (" per class" if self.kind == "per_class" else "")

    def num_images(self, num_classes: int, available: int) -> int:
        """Images this size means where `available` can be had (it may ask for more)."""
        if self.kind == "all":
            return available
        if self.kind == "fraction":
            return int(self.value * available + 0.5)
        return int(self.value) * (num_classes if self.kind == "per_class" else 1)


def parse_size(given: object) -> SizeSpec:
    """A size from what a study file or the command line says.

    Raises:
        ValueError: it is none of the allowed forms.
    """
    if isinstance(given, SizeSpec):
        return given
    if isinstance(given, dict):
        return SizeSpec.model_validate(given)
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError(f"{given!r} is not a size; allowed: {ALLOWED}")
    text = str(given).strip().lower()
    if text == "all":
        return SizeSpec(kind="all")
    if re.fullmatch(r"[1-9]\d{0,17}", text):
        return SizeSpec(kind="count", value=int(text))
    if match := re.fullmatch(r"([1-9]\d{0,17})\s*(?:per|/)[\s-]*class", text):
        return SizeSpec(kind="per_class", value=int(match[1]))
    if match := re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)", text):
        fraction = float(match[1]) / (100 if match[2] else 1)
        if 0 < fraction <= 1 and (match[2] or "." in text):
            return SizeSpec(kind="fraction", value=fraction)
    raise ValueError(f"{given!r} is not a size; allowed: {ALLOWED}")


def _parsed(given: Any) -> Any:
    return parse_size(given)


Size = Annotated[SizeSpec, BeforeValidator(_parsed)]
