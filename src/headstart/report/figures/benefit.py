"""What transfer is worth, drawn: labels saved, and accuracy against all it cost."""

import math
from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, ArmResult, Benefit
from headstart.report.benefit import labels_in_short, operations
from headstart.report.figures.gain import PANEL, slug
from headstart.report.figures.palette import looks
from headstart.report.figures.svg import FONT, HEAD, LETTER, Drawing, Scale, domain_of, plain
from headstart.report.rows import Pair, sizes_of
from headstart.report.text import printable, shorten

_HEIGHT = 290
_TIP = 5  # pixels of an arrow's head


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matched:
    """An arm at one size with the labels that the control needs to do as well."""

    result: ArmResult
    worth: Benefit


def labels_figure(analysis: Analysis, pair: Pair) -> tuple[str, ...]:
    """The control's accuracy by labels, and an arrow from each arm's to where the control is there.

    One drawing an arm. Empty without two sizes of the control, since there is no curve then.
    """
    results = results_of(analysis, pair)
    control = [result for (arm, _), result in results.items() if arm == analysis.control]
    if len({result.num_images for result in control}) < 2:
        return ()
    arms: dict[str, list[_Matched]] = {}
    for worth in _worth_of(analysis, pair):
        result = results.get((worth.arm, worth.size))
        if result and _told(worth):
            arms.setdefault(worth.arm, []).append(_Matched(result=result, worth=worth))
    return tuple(
        _labels_panel(analysis, control, arm, found, f"labels-{number}-{slug(analysis, pair)}")
        for number, (arm, found) in enumerate(arms.items())
    )


def _told(worth: Benefit) -> bool:
    found = worth.labels
    return not (found.value is None and found.at_least is None and found.at_most is None)


def _labels_panel(
    analysis: Analysis, control: list[ArmResult], arm: str, found: list[_Matched], name: str
) -> str:
    drawing = Drawing(
        width=PANEL,
        height=_HEIGHT,
        title=shorten(printable(arm), 40),
        measured="test accuracy, %",
    )
    x, y = _labels_axes(drawing, control, found)
    drawn = looks(analysis)
    base = sorted(control, key=lambda result: result.num_images)
    way = [(x(result.num_images), y(100 * result.mean)) for result in base]
    drawing.curve(way, drawn[analysis.control].colour, width=1.8)
    for at in way:
        drawing.mark(at, "circle", 3.2, drawn[analysis.control].colour, kind="control")
    look = drawn[arm]
    for matched in found:
        _arrow(drawing, matched, x, y, look.colour)
    for matched in found:
        at = (x(matched.result.num_images), y(100 * matched.result.mean))
        drawing.mark(at, look.shape, 4.6, look.colour, kind="mean")
    _arrow_labels(drawing, found, x, y, look.colour)
    return drawing.svg(
        title=f"Labels that {analysis.control} needs to do as well as {arm}",
        description=(
            f"The accuracy of {analysis.control} by number of labelled images, and for every size "
            f"an arrow from {arm} to the number with which {analysis.control} does as well; the "
            "shaded strip is the interval of that number."
        ),
        name=name,
    )


def _arrow_labels(drawing: Drawing, found: list[_Matched], x: Scale, y: Scale, colour: str) -> None:
    """The numbers over their arrows, or under them; none where neither is free of another."""
    taken: list[tuple[float, float, float]] = []  # middle, half width, height
    for matched in found:
        words = f"{matched.result.num_images:,} \u2192 {labels_in_short(matched.worth.labels)}"
        half = LETTER * len(words) / 2
        middle = (x(matched.result.num_images) + x(_aim(matched, x))) / 2
        middle = min(max(middle, x.start + half), x.end - half)
        for away in (-10, 20):
            height = y(100 * matched.result.mean) + away
            if all(abs(m - middle) > h + half or abs(at - height) > FONT for m, h, at in taken):
                taken.append((middle, half, height))
                drawing.text(middle, height, words, anchor="middle", colour=colour, halo=True)
                break


def _labels_axes(
    drawing: Drawing, control: list[ArmResult], found: list[_Matched]
) -> tuple[Scale, Scale]:
    bottom = _HEIGHT - 42
    shown = [100 * result.mean for result in [*control, *(m.result for m in found)]]
    low, high = domain_of(shown)
    y = Scale(low=low, high=min(100.0, high + 0.12 * (high - low)), start=bottom, end=HEAD)
    words = [plain(value) for value in y.ticks()]
    left = 12 + LETTER * max(map(len, words), default=1)
    numbers = [result.num_images for result in control]
    x = Scale(low=min(numbers) / 1.7, high=1.7 * max(numbers), start=left, end=PANEL - 8, log=True)
    drawing.rows(y, (left, PANEL - 8), words)
    for value in x.apart(set(numbers), 6 * LETTER):
        drawing.text(x(value), bottom + 17, plain(value), anchor="middle")
    drawing.text((left + PANEL - 8) / 2, bottom + 36, "labelled images", anchor="middle")
    return x, y


def _aim(matched: _Matched, x: Scale) -> float:
    """The number that an arrow points to; where only a bound is known, the end of the axis."""
    found = matched.worth.labels
    if found.value is not None:
        return found.value
    return x.high if found.at_least is not None else x.low


def _arrow(drawing: Drawing, matched: _Matched, x: Scale, y: Scale, colour: str) -> None:
    found, height = matched.worth.labels, y(100 * matched.result.mean)
    if found.low is not None and found.high is not None:
        ends = x(max(found.low, x.low)), x(min(found.high, x.high))
        drawing.box((ends[0], height - 5), (ends[1], height + 5), colour, opacity=0.22)
    start, end = x(matched.result.num_images), x(_aim(matched, x))
    dash = "" if found.value is not None else "4 3"
    drawing.line((start, height), (end, height), colour, width=1.8, dash=dash)
    back = _TIP if end < start else -_TIP
    if abs(end - start) > _TIP:
        tip = [(end + back, height - 4), (end, height), (end + back, height + 4)]
        drawing.curve(tip, colour, width=1.8)


def cost_figure(analysis: Analysis, pair: Pair, width: int) -> str:
    """Mean test accuracy against operations, the source run included, a line an arm over sizes.

    Arms are the control and those whose worth is told; empty without any of these.
    """
    found = _costs(analysis, pair)
    if len(found) < 2:
        return ""
    height = 340 if width > 500 else _HEIGHT
    drawing = Drawing(
        width=width, height=height, title="Accuracy against cost", measured="test accuracy, %"
    )
    bottom = height - 42
    every = [point for points in found.values() for point in points]
    low, high = domain_of(accuracy for _, accuracy, _ in every)
    y = Scale(low=low, high=high, start=bottom, end=HEAD)
    words = [plain(value) for value in y.ticks()]
    left = 12 + LETTER * max(map(len, words), default=1)
    costs = [cost for cost, _, _ in every]
    x = Scale(low=min(costs) / 1.5, high=1.5 * max(costs), start=left, end=width - 10, log=True)
    drawing.rows(y, (left, width - 10), words)
    for value in x.ticks(4):
        drawing.text(x(value), bottom + 17, operations(value), anchor="middle")
    drawing.text((left + width - 10) / 2, bottom + 36, "operations of a trial", anchor="middle")
    for arm, points in found.items():
        look = looks(analysis)[arm]
        way = [(x(cost), y(accuracy)) for cost, accuracy, _ in points]
        drawing.curve(way, look.colour, width=1.4, opacity=0.6)
        for at, (cost, accuracy, images) in zip(way, points, strict=True):
            hint = f"{arm}, {images:,} images: {accuracy:.2f} %, {operations(cost)} operations"
            drawing.mark(at, look.shape, 4.6, look.colour, kind="mean", hint=hint)
    for cost, accuracy, images in found.get(analysis.control, []):
        at = x(cost), y(accuracy) + (18 if accuracy > (low + high) / 2 else -9)
        drawing.text(*at, f"{images:,}", anchor="middle", halo=True)
    return drawing.svg(
        title=f"Test accuracy against operations, {pair}",
        description=(
            "A mark for every arm and size: mean test accuracy against the operations of its "
            "training and, for transfer arms, of the whole source run."
        ),
        name=f"cost-{width}-{slug(analysis, pair)}",
    )


def cost_arms(analysis: Analysis, pair: Pair) -> list[str]:
    """The arms that `cost_figure` draws."""
    return list(_costs(analysis, pair))


def _costs(analysis: Analysis, pair: Pair) -> dict[str, list[tuple[float, float, int]]]:
    """(operations, accuracy in per cent, images) of the control and of arms whose worth is told."""
    source = {(w.arm, w.size): w.source_flops for w in _worth_of(analysis, pair)}
    found: dict[str, list[tuple[float, float, int]]] = {}
    for place, result in results_of(analysis, pair).items():
        cost = result.flops + source.get(place, 0)
        known = place in source or result.arm == analysis.control
        if known and cost > 0 and math.isfinite(result.mean):
            found.setdefault(result.arm, []).append((cost, 100 * result.mean, result.num_images))
    return {arm: sorted(points, key=lambda point: point[2]) for arm, points in found.items()}


def results_of(analysis: Analysis, pair: Pair) -> dict[tuple[str, str], ArmResult]:
    """The results of a pair that are there, by arm and size, without those of a cut sweep."""
    return {
        (row.arm, group.size): row.result
        for group in sizes_of(analysis, pair)
        for row in group.rows
        if row.result
    }


def _worth_of(analysis: Analysis, pair: Pair) -> list[Benefit]:
    return [w for w in analysis.worth if (w.source, w.target) == (pair.source, pair.target)]
