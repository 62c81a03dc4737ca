"""The Analysis of a study."""

from dataclasses import dataclass, field

from headstart.analyse.analysis.benefit import Benefit, Forgetting, ModelSelection
from headstart.analyse.analysis.comparison import (
    Attribution,
    AttributionNote,
    ClassGain,
    Comparison,
)
from headstart.analyse.analysis.leak import LeakReport
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
    """Results, comparisons, benefit and gates of a study."""

    study: str
    question: str
    headline: str
    detail: tuple[str, ...]  # sentences below the headline: caveats first
    seeds: tuple[int, ...]
    sizes: tuple[str, ...]
    arm_names: tuple[str, ...]
    control: str
    tasks: tuple[TaskFacts, ...]
    arms: tuple[ArmResult, ...]
    sources: tuple[ArmResult, ...]
    cuts: tuple[str, ...]  # from stem to head; empty without a cut sweep
    published: tuple[PublishedFigure, ...]
    comparisons: tuple[Comparison, ...]
    tuning: tuple[Tuning, ...]
    gates: tuple[Gate, ...]
    protocol: tuple[tuple[str, str], ...]  # (rule, its setting)
    environment: tuple[tuple[str, str], ...]
    num_trials: int
    num_done: int
    failures: tuple[str, ...]
    arm_notes: tuple[ArmNote, ...] = ()
    leaks: tuple[LeakReport, ...] = ()  # of the pairs whose images were compared
    attributions: tuple[Attribution, ...] = ()
    attribution_notes: tuple[AttributionNote, ...] = ()
    strictness: Strictness = field(default_factory=Strictness)
    worth: tuple[Benefit, ...] = ()  # named as in the tables and the JSON document
    class_gains: tuple[ClassGain, ...] = ()
    picks: tuple[ModelSelection, ...] = ()  # named as in the tables and the JSON document
    forgetting: tuple[Forgetting, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    mistakes: tuple[Mistakes, ...] = ()
    minutes: float | None = None  # that the study may take, where seeds are added
    metric: MetricName = "accuracy"  # of all accuracies and gains that do not name another
    from_elsewhere: bool = False  # results of another program, which headstart only judges

    def accuracy_on(self, part: str) -> str:
        """What accuracies on a part of the images are called: test accuracy, or balanced."""
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
        """Failed gates of one severity; those that could turn the headline around come first."""
        failed = [g for g in self.gates if g.known and not g.passed and g.severity == severity]
        return tuple(sorted(failed, key=lambda gate: not gate.could_turn))

    @property
    def unknown_gates(self) -> tuple[Gate, ...]:
        """Gates of which these results do not say whether they hold."""
        return tuple(g for g in self.gates if not g.known)
