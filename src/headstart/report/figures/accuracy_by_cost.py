"""Accuracy by cost: mean test accuracy against operations, the source run included."""

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import operations
from headstart.report.figures.chart import Dot, frame, on_column, pair_id, panel
from headstart.report.figures.palette import arm_styles
from headstart.report.figures.svg import domain_of
from headstart.report.rows import TaskPair, of_pair, results_of


def cost_figure(analysis: Analysis, pair: TaskPair, width: int) -> str:
    """Mean test accuracy against operations, a line for each arm over its sizes.

    Arms are the control and those whose benefit is known; empty with only one of them.
    """
    arms = costs_of(analysis, pair)
    if len(arms) < 2:
        return ""
    drawing = panel(
        "Accuracy against cost",
        f"{analysis.accuracy_on('test')}, %",
        340 if width > 500 else 290,
        width,
    )
    low, high = domain_of(accuracy for points in arms.values() for _, accuracy, _ in points)
    axes = frame(drawing, (low, high), right=width - 10)
    costs = [cost for points in arms.values() for cost, _, _ in points]
    x, y = axes.across(min(costs) / 1.5, 1.5 * max(costs), log=True), axes.y
    axes.draw_rows()
    axes.draw_axis(x, x.ticks(4), "operations of a trial", operations)
    styles = arm_styles(analysis)
    for arm, points in arms.items():
        path = [(x(cost), y(accuracy)) for cost, accuracy, _ in points]
        drawing.curve(path, styles[arm].colour, width=1.4, opacity=0.6)
        for cost, accuracy, images in points:
            hint = f"{arm}, {images:,} images: {accuracy:.2f} %, {operations(cost)} operations"
            dot = Dot(mean=accuracy, style=styles[arm], reach=4.6, hint=hint)
            dot.draw(drawing, on_column(x(cost), y))
    for cost, accuracy, images in arms.get(analysis.control, []):
        height = y(accuracy) + (18 if accuracy > (low + high) / 2 else -9)
        drawing.text(x(cost), height, f"{images:,}", anchor="middle", halo=True)
    return drawing.svg(
        title=f"{analysis.accuracy_on('test').capitalize()} against operations, {pair}",
        description=(
            f"A mark for every arm and size: mean {analysis.accuracy_on('test')} against the "
            "operations of its training and, for transfer arms, of the whole source run."
        ),
        name=f"cost-{width}-{pair_id(analysis, pair)}",
    )


def cost_arms(analysis: Analysis, pair: TaskPair) -> list[str]:
    """Arms in `cost_figure`."""
    return list(costs_of(analysis, pair))


def costs_of(analysis: Analysis, pair: TaskPair) -> dict[str, list[tuple[float, float, int]]]:
    """(operations, accuracy in per cent, images) of the control and of arms with a benefit."""
    source = {(b.arm, b.size): b.source_flops for b in of_pair(analysis.worth, pair)}
    arms: dict[str, list[tuple[float, float, int]]] = {}
    for place, result in results_of(analysis, pair).items():
        if result.flops is None or result.num_images is None:
            continue  # of results from elsewhere
        cost = result.flops + source.get(place, 0)
        known = place in source or result.arm == analysis.control
        if known and cost > 0 and result.mean is not None:
            arms.setdefault(result.arm, []).append((cost, result.mean_percent, result.num_images))
    return {arm: sorted(points, key=lambda point: point[2]) for arm, points in arms.items()}
