"""Audit of one file: what the rules find in its text, and what the text does not show."""

from dataclasses import dataclass
from pathlib import Path

from headstart.audit.program.run import story_of
from headstart.audit.program.story import Story
from headstart.audit.rules.comparisons import is_experiment, scored_on
from headstart.audit.rules.registry import RULES
from headstart.audit.rules.rule import Found, Rule
from headstart.audit.source import Unseen, read_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Slip or note, with the rule that found it."""

    rule: Rule
    found: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was found in a file, and what could not be seen."""

    path: Path
    trainings: int
    scores: int
    findings: tuple[Finding, ...]
    unseen: tuple[Unseen, ...]

    @property
    def slips(self) -> tuple[Finding, ...]:
        """Findings that are no mere notes."""
        return tuple(finding for finding in self.findings if finding.rule.level == "slip")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Findings that are worth knowing and no fault."""
        return tuple(finding for finding in self.findings if finding.rule.level == "note")


def audit_file(path: Path) -> Audit:
    """Read a notebook or script, and list the slips that its text shows. Nothing is run.

    Raises:
        DataError: it is no notebook or script, or holds no Python 3.
    """
    story = story_of(read_source(path))
    found = [(rule, found) for rule in RULES for found in rule.find(story)]
    findings = [Finding(rule=rule, found=one) for rule, one in dict.fromkeys(found)]
    findings.sort(key=_order)
    return Audit(
        path=path,
        trainings=len(story.trainings),
        scores=len(story.testings) + sum(t.validation is not None for t in story.trainings),
        findings=tuple(findings),
        unseen=(*story.unseen, *_not_shown(story)),
    )


def _order(finding: Finding) -> tuple[int, int, int]:
    """Rules in their order, lines in theirs."""
    place = finding.found.place
    return RULES.index(finding.rule), place.cell, place.line


def _not_shown(story: Story) -> list[Unseen]:
    """Questions that the text leaves open."""
    found = []
    if not story.trainings:
        found.append(Unseen(why="any training: the text shows none that is recognised"))
    elif not any(scored_on(story, training.net) for training in story.trainings):
        found.append(Unseen(why="any score: the text shows none that is recognised"))
    if story.seed_given and is_experiment(story):
        found.append(Unseen(why="how many seeds are run: the seed is given from outside"))
    pretrained = [
        t for t in story.trainings if any(n.origin == "pretrained" for n in t.net.everything())
    ]
    if pretrained and not is_experiment(story):
        why = "what the pretrained weights are worth: nothing is trained here without them"
        found.append(Unseen(why=why, place=pretrained[-1].site.place))
    return found
