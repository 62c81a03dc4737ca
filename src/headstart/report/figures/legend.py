"""Legends: the arms or families of a drawing with their colours and shapes."""

from collections.abc import Iterable
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis
from headstart.report.figures.palette import Style, arm_styles, family_styles
from headstart.report.sweep import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Entry of a legend; `note` describes the arm or family."""

    arm: str
    note: str = ""
    colour: str
    shape: str


def arm_keys(analysis: Analysis, arms: Iterable[str]) -> tuple[Key, ...]:
    """Entries of arms, each once."""
    styles = arm_styles(analysis)
    return tuple(_key(arm, styles[arm]) for arm in dict.fromkeys(arms))


def sweep_keys(analysis: Analysis, sweep: Sweep) -> tuple[Key, ...]:
    """Entries of the families of a cut sweep, and of its control."""
    styles = family_styles()
    keys = [_key(f.family, styles[f.family], f.description) for f in sweep.families]
    if sweep.control:
        note = "control, with a band of ± sd" if sweep.control.sd else "control"
        colour = arm_styles(analysis)[analysis.control].colour
        keys.append(Key(arm=analysis.control, note=note, colour=colour, shape="dashed"))
    return tuple(keys)


def _key(arm: str, style: Style, note: str = "") -> Key:
    return Key(arm=arm, note=note, colour=style.colour, shape=style.shape)
