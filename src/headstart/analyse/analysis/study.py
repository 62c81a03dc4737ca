"""The Analysis of a study."""

from dataclasses import dataclass, field

from headstart.analyse.analysis.benefit import Benefit, Forgetting, ModelSelection
from headstart.analyse.analysis.comparison import (
    Attribution,
    AttributionNote,
    ClassGain,
    Comparison,
)
from headstart.analyse.analysis.leak import GivenCopy, LeakReport
from headstart.analyse.analysis.mistakes import Confusion, Mistakes
from headstart.analyse.analysis.result import (
    ArmNote,
    ArmResult,
    Gate,
    PublishedFigure,
    Severity,
    TaskFacts,
    Tuning,
)
from headstart.analyse.analysis.strictness import Strictness
from headstart.metrics import METRICS
from headstart.study.training import MetricName


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Results, comparisons, benefit and gates of a study.

    Printing it gives the headline. `headstart run --json` prints the same facts (docs/tables.md).

    Attributes:
        study: name of the study.
        question: its question.
        headline: the verdict in a sentence or two, with its interval.
        detail: sentences below the headline, caveats first.
        seeds: seeds of the study.
        sizes: labels of its amounts of labelled target images.
        arm_names: names of its arms, the control included.
        control: name of the arm that all others are compared with.
        tasks: what was found of each task.
        arms: results of each arm at each size: accuracies of the seeds, cost, curves.
        sources: the same of the source runs, on their own tasks.
        cuts: names of the cuts of a sweep, from stem to head; empty without one.
        published: published figures beside those of this study.
        comparisons: each arm against the control at each size: gain, interval, verdict, reason.
        tuning: learning rates that each arm tried, and the one chosen.
        gates: outcome of every check.
        protocol: (rule, its setting).
        environment: (what, version or processor).
        num_trials: trials of the study.
        num_done: those that are finished.
        failures: why trials failed, in a sentence each.
        arm_notes: what each arm is.
        leaks: images that two parts share, for each pair of tasks that was compared.
        given_copies: of results from elsewhere, copies of test images, left out of all scores.
        attributions: each transfer arm against the controls that may explain its gain.
        attribution_notes: what a gain may be put down to, in a sentence each.
        strictness: how strictly each comparison was judged.
        worth: benefit of each transfer arm at each size: labels, updates and operations saved.
        class_gains: gain of each class.
        picks: the arm to use at each size, by validation accuracy.
        forgetting: what each trunk has lost of the source task.
        confusions: counts of (true class, answer).
        mistakes: test images that transfer put right and that it broke.
        minutes: that the study may take, where seeds are added; None elsewhere.
        metric: of all accuracies and gains that do not name another.
        from_elsewhere: whether they are results of another program, which headstart only judges.
    """

    study: str
    question: str
    headline: str
    detail: tuple[str, ...]
    seeds: tuple[int, ...]
    sizes: tuple[str, ...]
    arm_names: tuple[str, ...]
    control: str
    tasks: tuple[TaskFacts, ...]
    arms: tuple[ArmResult, ...]
    sources: tuple[ArmResult, ...]
    cuts: tuple[str, ...]
    published: tuple[PublishedFigure, ...]
    comparisons: tuple[Comparison, ...]
    tuning: tuple[Tuning, ...]
    gates: tuple[Gate, ...]
    protocol: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    num_trials: int
    num_done: int
    failures: tuple[str, ...]
    arm_notes: tuple[ArmNote, ...] = ()
    leaks: tuple[LeakReport, ...] = ()
    given_copies: tuple[GivenCopy, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    attribution_notes: tuple[AttributionNote, ...] = ()
    strictness: Strictness = field(default_factory=Strictness)
    worth: tuple[Benefit, ...] = ()
    class_gains: tuple[ClassGain, ...] = ()
    picks: tuple[ModelSelection, ...] = ()
    forgetting: tuple[Forgetting, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    mistakes: tuple[Mistakes, ...] = ()
    minutes: float | None = None
    metric: MetricName = "accuracy"
    from_elsewhere: bool = False

    def accuracy_on(self, part: str) -> str:
        """What accuracies on a part of the images are called: test accuracy, or balanced.

        Args:
            part: of the images: test, validation.
        """
        return METRICS[self.metric].on(part)

    def __str__(self) -> str:
        return self.headline

    @property
    def control_from_nothing(self) -> bool:
        """Whether the control trains everything from nothing."""
        return any(note.arm == self.control and note.from_nothing for note in self.arm_notes)

    @property
    def preferred(self) -> tuple[Comparison, ...]:
        """Comparison of the transfer arm that validation prefers, for each size of each pair."""
        return tuple(c for c in self.comparisons if c.preferred)

    def failed_gates(self, severity: Severity) -> tuple[Gate, ...]:
        """Failed gates of one severity; those that could turn the headline around come first.

        Args:
            severity: `invalid`, which withholds a verdict, or `caveat`.
        """
        failed = [g for g in self.gates if g.known and not g.passed and g.severity == severity]
        return tuple(sorted(failed, key=lambda gate: not gate.could_turn))

    @property
    def unknown_gates(self) -> tuple[Gate, ...]:
        """Gates of which these results do not say whether they hold."""
        return tuple(g for g in self.gates if not g.known)
