"""Notes on a whole Analysis: warnings, remarks, and what intervals and columns mean."""

from headstart.analyse.analysis import Analysis, interval_over, known
from headstart.analyse.cells import cell_of
from headstart.analyse.text import comma_list, duration, level_percent, listed, plural
from headstart.report.run_summary import RunSummary

FROM_PYTHON = "This study was run from Python; its run() repeats it."


def decimals_for(analysis: Analysis) -> int:
    """Decimals of percentages: one, or two where the margin is below one point."""
    return 2 if any(c.margin_pp < 1 for c in analysis.comparisons) else 1


def warnings_of(analysis: Analysis) -> tuple[str, ...]:
    """Warnings to read before the headline, most serious first."""
    warnings = []
    broken = [gate.message for gate in analysis.failed_gates("invalid")]
    if broken:
        warnings.append(f"Verdicts are withheld where the protocol failed: {' '.join(broken)}")
    if analysis.num_done < analysis.num_trials:
        warnings.append(
            f"Incomplete: {analysis.num_done} of {plural(analysis.num_trials, 'trial')} are done. "
            "What is shown rests on these only."
        )
    if most_seeds(analysis) == 1:
        warnings.append("One seed only: nothing here says how much of a gain is luck.")
    if not analysis.comparisons:
        warnings.append("Nothing was compared with a control, so there is no verdict.")
    return tuple(warnings)


def remarks_of(analysis: Analysis) -> tuple[str, ...]:
    """Sentences below the headline, without those that repeat a gate."""
    shown = [gate.message for gate in analysis.gates if not gate.passed]
    return tuple(line for line in analysis.detail if not any(message in line for message in shown))


def interval_note(analysis: Analysis) -> str:
    """Meaning of the brackets; empty where nothing was compared."""
    if not analysis.comparisons:
        return ""
    level = confidence(analysis)
    if not level:
        return _no_interval(analysis)
    over = interval_over(analysis.comparisons)
    return f"In brackets: {level} intervals over {over}, {adjustment_note(analysis)}."


def _no_interval(analysis: Analysis) -> str:
    """Reason why no comparison has an interval."""
    if any(c.verdict == "unfinished" for c in analysis.comparisons):
        return "There is no interval yet: trials are missing."
    if all(len(c.seeds) < 2 for c in analysis.comparisons):
        return "There is no interval: that takes at least two seeds."
    return "There is no interval: every verdict says why."


def most_seeds(analysis: Analysis) -> int:
    """Largest number of finished seeds of an arm."""
    return max((len(result.seeds) for result in analysis.arms), default=0)


def over_seeds(analysis: Analysis) -> str:
    """What a number or a mark of an arm is, for a caption."""
    return "mean over seeds" if most_seeds(analysis) > 1 else "the one seed there is"


def confidence(analysis: Analysis) -> str:
    """Level of the intervals, such as 95 % or 95 % to 99.38 %; empty without intervals."""
    levels = sorted({c.confidence for c in analysis.comparisons if c.low_pp is not None})
    ends = levels[:1] + levels[-1:]
    return " to ".join(dict.fromkeys(level_percent(level) for level in ends))


def adjustment_note(analysis: Analysis) -> str:
    """Adjustment of the intervals, as the end of a sentence about them."""
    held = analysis.strictness
    looks = f", at look {held.look}" if held.look > 1 else ""
    if held.family_size < 2 or not any(c.in_family for c in analysis.comparisons):
        return f"not adjusted for the number of comparisons ({len(analysis.comparisons)}){looks}"
    if analysis.from_elsewhere:
        return f"adjusted for their {held.family_size} comparisons (Holm)"
    return (
        f"for transfer arms adjusted for their {held.family_size} comparisons (Holm), for "
        f"other arms not adjusted{looks}"
    )


def arm_notes(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """Arms of a study with what they are, in words, and settings that are not the control's."""
    return tuple(
        (note.arm, f"{note.what}{f' (with {note.other_settings})' if note.other_settings else ''}")
        for note in analysis.arm_notes
    )


def has_other_settings(analysis: Analysis, arm: str) -> bool:
    """Whether an arm was trained with settings that are not the control's."""
    return any(note.arm == arm and note.other_settings for note in analysis.arm_notes)


def stopping_lines(analysis: Analysis) -> tuple[str, ...]:
    """After how many seeds comparisons ended and why, a line for all of which the same holds."""
    several = len({(c.source, c.target) for c in analysis.comparisons}) > 1
    places: dict[str, dict[str, list[str]]] = {}
    for c in analysis.comparisons:
        if c.stopped:
            pair = f", {c.source} to {c.target}" if several else ""
            size = f"{plural(known(c.num_images), 'image')}{pair}"
            places.setdefault(c.stopped, {}).setdefault(size, []).append(c.arm)
    return tuple(
        f"{stopped}: {'; '.join(f'{comma_list(arms)} ({size})' for size, arms in sizes.items())}"
        for stopped, sizes in places.items()
    )


def margin_note(analysis: Analysis) -> str:
    """Margin of the study; empty where nothing was compared."""
    margins = sorted({c.margin_pp for c in analysis.comparisons})
    return f"{listed([f'±{margin:g}' for margin in margins], 'and')} pp" if margins else ""


def attribution_lines(analysis: Analysis) -> tuple[str, ...]:
    """Explanation of each gain, one sentence for all arms and sizes that share it."""
    several = len({(c.source, c.target) for c in analysis.comparisons}) > 1
    helped = {cell_of(c) for c in analysis.comparisons if c.verdict == "helps"}
    cells: dict[str, list[str]] = {}
    for note in analysis.attribution_notes:
        if cell_of(note) in helped:
            pair = f", {note.source} to {note.target}" if several else ""
            cell = f"{note.arm} with {plural(note.num_images, 'image')}{pair}"
            cells.setdefault(note.reading, []).append(cell)
    return tuple(f"{'; '.join(names)}: {reading}." for reading, names in cells.items())


def published_notes(analysis: Analysis) -> tuple[str, ...]:
    """Origin of the columns of published figures, for each column with a value."""
    notes = []
    if any(figure.keras is not None for figure in analysis.published):
        notes.append("Keras here: Keras 3 run once on a 2-core machine.")
    if any(figure.headstart is not None for figure in analysis.published):
        numbers = sorted({len(result.seeds) for result in analysis.arms}) or [len(analysis.seeds)]
        seeds = " to ".join(dict.fromkeys(str(number) for number in (numbers[0], numbers[-1])))
        mean = f"mean over {seeds} seeds" if numbers[-1] > 1 else "one seed"
        notes.append(f"headstart: {mean}.")
    return tuple(notes)


def steps_note(summary: RunSummary) -> str:
    """Steps that the present command ran and reused, and its duration."""
    if not summary.steps_run + summary.steps_reused:
        return f"Nothing was trained; it took {duration(summary.seconds)}."
    return (
        f"{plural(summary.steps_run, 'step')} run, {summary.steps_reused:,} reused, "
        f"in {duration(summary.seconds)}."
    )
