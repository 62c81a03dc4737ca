"""The Analysis: everything that a report shows, frozen. All reports read only this.

Accuracies are fractions; fields that end in `_pp` are percentage points.
"""

from headstart.analyse.analysis.benefit import Benefit as Benefit
from headstart.analyse.analysis.benefit import Estimate as Estimate
from headstart.analyse.analysis.benefit import Forgetting as Forgetting
from headstart.analyse.analysis.benefit import ModelSelection as ModelSelection
from headstart.analyse.analysis.comparison import ENOUGH_SEEDS as ENOUGH_SEEDS
from headstart.analyse.analysis.comparison import FEWEST_SEEDS as FEWEST_SEEDS
from headstart.analyse.analysis.comparison import MOST_PP as MOST_PP
from headstart.analyse.analysis.comparison import Attribution as Attribution
from headstart.analyse.analysis.comparison import AttributionNote as AttributionNote
from headstart.analyse.analysis.comparison import Basis as Basis
from headstart.analyse.analysis.comparison import ClassGain as ClassGain
from headstart.analyse.analysis.comparison import Comparison as Comparison
from headstart.analyse.analysis.comparison import Ended as Ended
from headstart.analyse.analysis.comparison import More as More
from headstart.analyse.analysis.comparison import Qualifier as Qualifier
from headstart.analyse.analysis.comparison import Role as Role
from headstart.analyse.analysis.comparison import Word as Word
from headstart.analyse.analysis.comparison import interval_over as interval_over
from headstart.analyse.analysis.leak import AmbiguousImage as AmbiguousImage
from headstart.analyse.analysis.leak import GivenCopy as GivenCopy
from headstart.analyse.analysis.leak import Leak as Leak
from headstart.analyse.analysis.leak import LeakExample as LeakExample
from headstart.analyse.analysis.leak import LeakReport as LeakReport
from headstart.analyse.analysis.mistakes import Confusion as Confusion
from headstart.analyse.analysis.mistakes import ConfusionRow as ConfusionRow
from headstart.analyse.analysis.mistakes import ImageMistake as ImageMistake
from headstart.analyse.analysis.mistakes import Mistakes as Mistakes
from headstart.analyse.analysis.picture import NO_PICTURE as NO_PICTURE
from headstart.analyse.analysis.picture import Picture as Picture
from headstart.analyse.analysis.result import ArmNote as ArmNote
from headstart.analyse.analysis.result import ArmResult as ArmResult
from headstart.analyse.analysis.result import Curve as Curve
from headstart.analyse.analysis.result import Gate as Gate
from headstart.analyse.analysis.result import PublishedFigure as PublishedFigure
from headstart.analyse.analysis.result import Severity as Severity
from headstart.analyse.analysis.result import TaskFacts as TaskFacts
from headstart.analyse.analysis.result import Tuning as Tuning
from headstart.analyse.analysis.result import known as known
from headstart.analyse.analysis.strictness import Strictness as Strictness
from headstart.analyse.analysis.study import Analysis as Analysis
