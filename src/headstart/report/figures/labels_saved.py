"""Labels saved: the number of labelled images with which the control does as well as an arm."""

from dataclasses import dataclass

from headstart.analyse.analysis import Analysis, ArmResult, Benefit, known
from headstart.report.benefit import labels_text
from headstart.report.figures.chart import PANEL, Dot, Frame, frame, on_column, pair_id, panel
from headstart.report.figures.palette import arm_styles
from headstart.report.figures.svg import FONT, LETTER, Drawing, Scale, domain_of
from headstart.report.rows import TaskPair, of_pair, results_of

_TIP = 5  # pixels of an arrow's head


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """An arm at one size with the number of labels that the control needs to do as well."""

    result: ArmResult
    benefit: Benefit


def labels_figure(analysis: Analysis, pair: TaskPair) -> tuple[str, ...]:
    """The control's accuracy by labels, and an arrow from each arm to the same accuracy on it.

    One drawing for each arm. Empty where the control has fewer than two sizes: no curve then.
    """
    control, arms = labels_of(analysis, pair)
    return tuple(
        _panel(analysis, control, arm, matches, f"labels-{number}-{pair_id(analysis, pair)}")
        for number, (arm, matches) in enumerate(arms.items())
    )


def labels_of(
    analysis: Analysis, pair: TaskPair
) -> tuple[list[ArmResult], dict[str, list[Matched]]]:
    """The control by number of labels, and the arms whose number of labels on it is known.

    Both are empty where there is no such arm, or the control has fewer than two sizes.
    """
    results = results_of(analysis, pair)
    control = [
        result
        for (arm, _), result in results.items()
        if arm == analysis.control and result.mean is not None
    ]
    if len({result.num_images for result in control}) < 2:
        return [], {}
    arms: dict[str, list[Matched]] = {}
    for benefit in of_pair(analysis.worth, pair):
        result = results.get((benefit.arm, benefit.size))
        labels = benefit.labels
        is_known = (labels.value, labels.at_least, labels.at_most) != (None, None, None)
        if result and result.mean is not None and is_known:
            arms.setdefault(benefit.arm, []).append(Matched(result=result, benefit=benefit))
    if not arms:  # results from elsewhere may have sizes whose number of images is not known
        return [], {}
    return sorted(control, key=lambda result: known(result.num_images)), arms


def _panel(
    analysis: Analysis, control: list[ArmResult], arm: str, matches: list[Matched], name: str
) -> str:
    drawing = panel(arm, f"{analysis.accuracy_on('test')}, %", 290)
    axes, x = _axes(drawing, control, matches)
    styles = arm_styles(analysis)
    path = [(x(known(result.num_images)), axes.y(result.mean_percent)) for result in control]
    style, control_style = styles[arm], styles[analysis.control]
    drawing.curve(path, control_style.colour, width=1.8)
    for at in path:
        drawing.mark(at, "circle", 3.2, control_style.colour, kind="control")
    for matched in matches:
        _draw_arrow(axes, matched, x, style.colour)
    for matched in matches:
        at_size = x(known(matched.result.num_images))
        dot = Dot(mean=matched.result.mean_percent, style=style, reach=4.6)
        dot.draw(drawing, on_column(at_size, axes.y))
    _draw_arrow_labels(axes, matches, x, style.colour)
    return drawing.svg(
        title=f"Labels that {analysis.control} needs to do as well as {arm}",
        description=(
            f"The accuracy of {analysis.control} by number of labelled images, and for every size "
            f"an arrow from {arm} to the number with which {analysis.control} does as well; the "
            "shaded strip is the interval of that number."
        ),
        name=name,
    )


def _axes(
    drawing: Drawing, control: list[ArmResult], matches: list[Matched]
) -> tuple[Frame, Scale]:
    """Draw the axes; return the frame and the horizontal scale."""
    low, high = domain_of(r.mean_percent for r in [*control, *(m.result for m in matches)])
    top = min(100.0, high + 0.12 * (high - low))  # the labels of arrows are above their accuracy
    axes = frame(drawing, (low, top), right=PANEL - 8)
    numbers = {known(result.num_images) for result in control}
    x = axes.across(min(numbers) / 1.7, 1.7 * max(numbers), log=True)
    axes.draw_rows()
    axes.draw_axis(x, x.apart(numbers, 6 * LETTER), "labelled images")
    return axes, x


def _draw_arrow_labels(axes: Frame, matches: list[Matched], x: Scale, colour: str) -> None:
    """Draw the numbers above or below their arrows; none where both would cover another."""
    taken: list[tuple[float, float, float]] = []  # middle, half width, height
    for matched in matches:
        label = f"{matched.result.num_images:,} \u2192 {labels_text(matched.benefit.labels)}"
        half = LETTER * len(label) / 2
        middle = (x(known(matched.result.num_images)) + x(_target(matched, x))) / 2
        middle = min(max(middle, x.start + half), x.end - half)
        for offset in (-10, 20):
            height = axes.y(matched.result.mean_percent) + offset
            if all(abs(m - middle) > h + half or abs(at - height) > FONT for m, h, at in taken):
                taken.append((middle, half, height))
                axes.drawing.text(middle, height, label, anchor="middle", colour=colour, halo=True)
                break


def _target(matched: Matched, x: Scale) -> float:
    """Number that an arrow points to; with only a bound, the end of the axis."""
    labels = matched.benefit.labels
    if labels.value is not None:
        return labels.value
    return x.high if labels.at_least is not None else x.low


def _draw_arrow(axes: Frame, matched: Matched, x: Scale, colour: str) -> None:
    """Draw an arrow and the interval of its target, dashed where only a bound is known."""
    drawing, labels = axes.drawing, matched.benefit.labels
    height = axes.y(matched.result.mean_percent)
    if labels.low is not None:
        high = x.high if labels.high is None else min(labels.high, x.high)
        ends = x(max(labels.low, x.low)), x(high)
        drawing.box((ends[0], height - 5), (ends[1], height + 5), colour, opacity=0.22)
    start, end = x(known(matched.result.num_images)), x(_target(matched, x))
    dash = "" if labels.value is not None else "4 3"
    drawing.line((start, height), (end, height), colour, width=1.8, dash=dash)
    back = _TIP if end < start else -_TIP
    if abs(end - start) > _TIP:
        tip = [(end + back, height - 4), (end, height), (end + back, height + 4)]
        drawing.curve(tip, colour, width=1.8)
