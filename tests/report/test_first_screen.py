"""The first screen: bars, and what a reader may want to do next."""

from dataclasses import replace

from analyses import SUMMARY, analysis

from headstart.analyse.analysis import Analysis, Comparison
from headstart.report.first_screen import bar_groups, bracket_note, next_steps

RUN = replace(
    SUMMARY, command="headstart run study.toml --seeds 3 --store s", store_option=" --store s"
)


def undecided(given: Analysis, **changes: object) -> Analysis:
    """The same with open verdicts on the preferred arms."""

    def opened(c: Comparison) -> Comparison:
        return replace(c, verdict="not enough evidence", **changes) if c.preferred else c  # type: ignore[arg-type]

    return replace(given, comparisons=tuple(map(opened, given.comparisons)))


def test_each_size_has_a_bar_for_the_control_and_one_for_the_preferred_arm() -> None:
    given = analysis()
    groups = bar_groups(given)
    assert [group.title for group in groups][-1].startswith("all ")
    for group, best in zip(groups, given.preferred, strict=True):
        assert [bar.is_control for bar in group.bars] == [True, False]
        assert [bar.label for bar in group.bars] == ["from nothing", f"pretrained ({best.arm})"]


def test_without_an_interval_nothing_is_said_of_brackets() -> None:
    assert bracket_note(analysis()).startswith("Points are right answers in 100. In brackets:")
    assert bracket_note(analysis(num_seeds=1)) == ""


def test_a_decided_study_leads_to_its_model() -> None:
    assert [step.command for step in next_steps(analysis(), RUN)] == [
        "headstart predict letters-to-digits IMAGE.jpg --store s",
        "headstart export letters-to-digits model.onnx --store s",
    ]


def test_more_seeds_are_proposed_where_they_help_and_are_few() -> None:
    helped = undecided(analysis(), seeds_needed=12, images_needed=None, more="seeds")
    first, *_ = next_steps(helped, RUN)
    assert first.command == "headstart run study.toml --store s --seeds 12"
    many = undecided(analysis(), seeds_needed=500, images_needed=None, more="seeds")
    assert next_steps(many, RUN)[0].what == "to use the best model"


def test_more_seeds_are_not_proposed_where_the_reason_says_that_they_would_not_help() -> None:
    """Arms that answer alike in every seed: harder test images would tell, seeds would not."""
    alike = undecided(analysis(num_seeds=3), low_pp=None, high_pp=None, seeds_needed=None)
    assert next_steps(alike, RUN)[0].what == "to use the best model"
    one = undecided(analysis(num_seeds=1), seeds_needed=None)
    assert next_steps(one, RUN)[0].command == "headstart run study.toml --store s --seeds 5"


def test_more_test_images_are_asked_for_where_seeds_would_not_do() -> None:
    short = undecided(analysis(), seeds_needed=None, images_needed=450, more="test images")
    first, *_ = next_steps(short, RUN)
    assert (first.what, first.command) == (
        "for a surer verdict about 450 test images are needed; more seeds help less",
        "",
    )


def test_a_study_without_results_or_from_python_proposes_nothing() -> None:
    assert next_steps(analysis(arms=[], pairs=[]), RUN) == ()
    assert next_steps(analysis(), replace(RUN, command="")) == ()
