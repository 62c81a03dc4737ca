"""What a gain is put down to: controls known by what they are, sentences from intervals."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import pytest
from synthetic import PAIR, finished, records_of, simulated, study_of

from headstart.analyse.analysis import (
    ArmNote,
    ArmResult,
    Attribution,
    AttributionNote,
    Comparison,
    Estimate,
    Role,
    Strictness,
    Word,
)
from headstart.analyse.attribution import attribute, expected_of, role_of
from headstart.analyse.compare import compare_all
from headstart.analyse.details import details
from headstart.analyse.headline import Answers, headline, wording_of
from headstart.analyse.sentences import objections, reading_of, remedy
from headstart.study.arms import NAMED_ARMS
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts
from headstart.study.study import StudySpec
from studies import tiny, tiny_table

RENAMED: tuple[tuple[dict[str, Any], Role | None], ...] = (
    ({"name": "a", "start": "fresh", "strategy": "full"}, None),
    ({"name": "b", "start": "fresh", "strategy": "probe"}, "random trunk"),
    (
        {"name": "c", "start": "fresh", "strategy": {"kind": "freeze", "cut": "dense1"}},
        "random trunk",
    ),
    (
        {"name": "d", "start": {"origin": "source", "transform": "shuffled"}, "strategy": "full"},
        "shuffled weights",
    ),
    (
        {"name": "e", "start": "fresh", "strategy": "full", "compute_of": "full"},
        "compute-matched scratch",
    ),
    ({"name": "f", "start": "self", "strategy": "gradual"}, "selffer"),
    (
        {"name": "g", "start": {"origin": "source", "last": "head"}, "strategy": "label_map"},
        "label map",
    ),
    ({"name": "h", "start": "source", "strategy": "discriminative"}, None),
    ({"name": "i", "start": "full", "strategy": "full"}, None),
)


def test_controls_are_known_by_what_they_are() -> None:
    study = study_of(["scratch", "full", *(arm for arm, _ in RENAMED)])
    roles = {arm.name: role_of(arm, study) for arm in study.arms}
    assert roles == {"scratch": None, "full": None, **{a["name"]: role for a, role in RENAMED}}


def test_points_of_a_cut_sweep_have_no_role() -> None:
    study = study_of(["scratch", "full"], cuts={"size": 20})
    assert {role_of(arm, study) for arm in study.all_arms} == {None}


def test_named_controls_have_their_roles() -> None:
    study = study_of(["scratch", "full"])
    roles = {name: role_of(arm, study) for name, arm in NAMED_ARMS.items()}
    assert {name: role for name, role in roles.items() if role} == {
        "random_trunk": "random trunk",
        "label_map": "label map",
        "shuffled": "shuffled weights",
        "selffer": "selffer",
        "scratch_long": "compute-matched scratch",
    }


def test_what_is_expected_of_an_arm_follows_from_what_it_trains() -> None:
    study = study_of(["scratch"])
    trained = ("shuffled weights", "compute-matched scratch", "selffer")
    for name in ("full", "probe_then_full", "gradual", "discriminative"):
        assert expected_of(NAMED_ARMS[name], study) == trained
    assert expected_of(NAMED_ARMS["probe"], study) == ("random trunk", "compute-matched scratch")


def attributed(
    accuracies: Mapping[str, float], *extra: dict[str, Any], **more: Any
) -> tuple[dict[tuple[str, str], Attribution], dict[str, AttributionNote]]:
    """(rows by arm and control, notes by arm) of a simulated study."""
    written = {arm["name"]: arm for arm in extra}
    study = study_of([written.get(name, name) for name in accuracies])
    given = finished(study, records_of(simulated(accuracies)), **more)
    rows, notes = attribute(given, compare_all(given))
    return {(row.arm, row.control): row for row in rows}, {note.arm: note for note in notes}


CONTROLS = {"scratch": 0.70, "shuffled": 0.70, "scratch_long": 0.70, "selffer": 0.70}


def test_better_than_every_control_is_put_down_to_the_source() -> None:
    rows, notes = attributed({"full": 0.80, **CONTROLS})
    assert {row.verdict for row in rows.values()} == {"helps"}
    assert notes["full"].sentence == (
        "full with 20 images: better than scratch, shuffled, scratch_long and selffer, so the gain "
        "is put down to what the source learnt."
    )


@pytest.mark.parametrize(
    ("control", "text"),
    [
        ("shuffled", "no better than shuffled: initial scale, not features"),
        (
            "scratch_long",
            "no better than scratch_long (compute-matched scratch): a head start, not a better end "
            "point",
        ),
        ("selffer", "no better than selffer: longer training, not the source"),
        ("label_map", "no better than label_map: relabelling, not transfer"),
        (
            "random_trunk",
            "no better than random_trunk: the architecture, not what the source learnt",
        ),
    ],
)
def test_a_control_that_does_as_well_explains_the_gain(control: str, text: str) -> None:
    rows, notes = attributed({"full": 0.80, **CONTROLS, control: 0.80})
    assert rows["full", control].verdict == "no measurable difference"
    assert text in notes["full"].reading
    assert "put down to what the source learnt" not in notes["full"].reading


def test_a_control_that_does_better_is_told_as_such() -> None:
    rows, notes = attributed({"full": 0.80, **CONTROLS, "scratch_long": 0.90})
    assert rows["full", "scratch_long"].gain_pp == pytest.approx(-10, abs=0.5)
    assert "worse than scratch_long (compute-matched scratch)" in notes["full"].reading


def test_an_interval_that_holds_0_only_says_not_shown() -> None:
    noisy = simulated({"full": 0.80, **CONTROLS, "shuffled": 0.79}, sd=0.001)
    noisy["shuffled"] = simulated({"shuffled": 0.79}, sd=0.04, key=2)["shuffled"]
    study = study_of(["full", *CONTROLS])
    given = finished(study, records_of(noisy))
    rows, (note,) = attribute(given, compare_all(given))
    row = next(row for row in rows if row.control == "shuffled")
    assert row.verdict == "not enough evidence"
    assert "not shown to be better than shuffled: initial scale alone is not ruled out" in (
        note.reading
    )


def test_what_was_not_run_cannot_be_told() -> None:
    _, notes = attributed({"scratch": 0.70, "random_trunk": 0.5, "full": 0.80, "probe": 0.80})
    assert notes["full"].reading == (
        "better than scratch; cannot be told from shuffled weights, compute-matched scratch or "
        "selffer: not run; add the arms shuffled, scratch_long and selffer"
    )
    assert notes["probe"].reading == (
        "better than scratch and random_trunk; cannot be told from compute-matched scratch: not "
        "run; add the arm scratch_long"
    )


@pytest.mark.parametrize("role", get_args(Role))
def test_the_arm_to_add_is_one_that_has_the_role(role: Role) -> None:
    name = remedy([role]).removeprefix("add the arm ")
    study = study_of(["scratch", "full", name])
    assert role_of(next(arm for arm in study.all_arms if arm.name == name), study) == role


def test_a_control_trained_another_way_is_not_the_arm_without_the_source() -> None:
    """A probe that is no better than shuffled weights trained whole was not beaten by scale."""
    rows, notes = attributed(
        {"probe": 0.80, **CONTROLS, "shuffled": 0.80, "random_trunk": 0.5},
        {"name": "scratch_long", "start": "fresh", "strategy": "full", "compute_of": "probe"},
    )
    assert not rows["probe", "shuffled"].alike
    assert rows["probe", "scratch_long"].alike
    assert "shuffled" not in notes["probe"].reading
    assert notes["probe"].reading.endswith("so the gain is put down to what the source learnt")


def test_a_random_trunk_with_another_strategy_is_missed() -> None:
    half = {"name": "half", "start": "source", "strategy": {"kind": "freeze", "cut": "dense1"}}
    _, notes = attributed(
        {"scratch": 0.7, "half": 0.8, "random_trunk": 0.5, "scratch_long": 0.7},
        half,
        {**half, "name": "scratch_long", "start": "fresh", "strategy": "full"}
        | {"compute_of": "half"},
    )
    assert "cannot be told from random trunk: not run in the same way" in (notes["half"].reading)


def test_a_control_with_other_settings_is_not_the_arm_without_the_source() -> None:
    trunk = {"name": "random_trunk", "start": "fresh", "strategy": "probe"}
    training = {"updates": 12, "batch_size": 4, "validations": 3}
    rows, notes = attributed(
        {"scratch": 0.7, "random_trunk": 0.7, "probe": 0.8, "scratch_long": 0.7},
        {**trunk, "training": training},
        {"name": "scratch_long", "start": "fresh", "strategy": "full", "compute_of": "probe"},
    )
    assert not rows["probe", "random_trunk"].alike
    assert rows["probe", "scratch_long"].alike
    assert "cannot be told from random trunk: not run in the same way" in notes["probe"].reading


def test_scratch_matched_to_a_cheaper_arm_is_no_match() -> None:
    matched = {"name": "longer", "start": "fresh", "strategy": "full", "compute_of": "probe"}
    rows, notes = attributed(
        {"scratch": 0.7, "random_trunk": 0.5, "probe": 0.8, "full": 0.8, "longer": 0.7}, matched
    )
    assert rows["probe", "longer"].alike
    assert not rows["full", "longer"].alike
    assert notes["probe"].reading.startswith("better than scratch, random_trunk and longer, so")
    assert "cannot be told from compute-matched scratch: not run in the same way" in (
        notes["full"].reading
    )


def test_renamed_controls_are_found_and_told_by_what_they_are() -> None:
    _, notes = attributed(
        {"scratch": 0.70, "full": 0.80, "mixed up": 0.80},
        {
            "name": "mixed up",
            "start": {"origin": "source", "transform": "shuffled"},
            "strategy": "full",
        },
    )
    assert "no better than mixed up (shuffled weights): initial scale" in notes["full"].reading


def test_without_a_gain_there_is_nothing_to_attribute() -> None:
    _, notes = attributed({"scratch": 0.70, "full": 0.65, "shuffled": 0.65})
    assert notes["full"].reading == ("worse than scratch: there is no gain to put down to anything")
    _, notes = attributed({"scratch": 0.70, "full": 0.70, "label_map": 0.75})
    assert notes["full"].reading == (
        "no better than scratch: there is no gain to put down to anything; worse than label_map: "
        "relabelling, not transfer"
    )


def test_invalid_comparisons_attribute_nothing() -> None:
    rows, notes = attributed(
        {"scratch": 0.70, "full": 0.80, "shuffled": 0.70},
        withheld={(*PAIR, "20", "full"): "CHK-04: it moved"},
    )
    assert (rows, notes) == ({}, {})


def test_an_invalid_control_says_nothing() -> None:
    rows, notes = attributed(
        {"full": 0.80, **CONTROLS}, withheld={(*PAIR, "20", "selffer"): "CHK-22: not finite"}
    )
    assert rows["full", "selffer"].verdict == "invalid"
    assert "cannot be told from selffer: the protocol failed there" in notes["full"].reading


def test_a_control_that_has_not_finished_is_not_called_missing() -> None:
    cells = tuple((*PAIR, "20", arm) for arm in ("full", *CONTROLS))
    study = study_of(["full", *CONTROLS])
    some = {arm: level for arm, level in CONTROLS.items() if arm != "selffer"}
    records = records_of(simulated({"full": 0.8, **some}))
    given = finished(study, records, planned=cells)
    _, (note,) = attribute(given, compare_all(given))
    assert "cannot be told from selffer: not finished" in note.reading


def test_a_study_whose_control_has_a_role_does_not_miss_it() -> None:
    study = study_of(["scratch", "shuffled", "full"], control="shuffled")
    given = finished(study, records_of(simulated({"scratch": 0.7, "shuffled": 0.7, "full": 0.8})))
    rows, notes = attribute(given, compare_all(given))
    assert {row.control for row in rows} == set()
    (note,) = notes
    assert note.reading.startswith("better than shuffled; cannot be told from compute-matched")


# Every combination of a verdict with a control's: no sentence says more than both.

PLAIN = attributed({"full": 0.8, **CONTROLS})[0]["full", "shuffled"]


def comparison(word: Word) -> Comparison:
    study = study_of(["scratch", "full"])
    given = finished(study, records_of(simulated({"scratch": 0.7, "full": 0.8})))
    (roles,) = compare_all(given)
    return replace(roles, verdict=word)


@pytest.mark.parametrize("role", get_args(Role))
@pytest.mark.parametrize("against", [word for word in get_args(Word) if word != "unfinished"])
@pytest.mark.parametrize(
    "verdict", ["helps", "hurts", "no measurable difference", "not enough evidence"]
)
def test_no_reading_says_more_than_its_verdicts(verdict: Word, against: Word, role: Role) -> None:
    row = replace(PLAIN, role=role, verdict=against, control="other")
    text = reading_of(comparison(verdict), [row], {})
    if "put down to what the source learnt" in text:
        assert (verdict, against) in (("helps", "helps"), ("helps", "invalid"))
    assert text.startswith("better than scratch") == (verdict == "helps")
    if "no better than other" in text:
        assert against == "no measurable difference"
    if "worse than other" in text:
        assert against == "hurts"
    if ", not " in text:  # a cause is named for certain
        assert against in ("hurts", "no measurable difference")
    if against == "not enough evidence":
        assert verdict != "helps" or "not shown to be better than other" in text
    if against == "invalid":
        assert "other" not in text


def test_the_headline_says_which_controls_do_as_well() -> None:
    preferred = comparison("helps")
    rows = [
        replace(PLAIN, verdict="no measurable difference"),
        replace(PLAIN, role="label map", control="label_map", verdict="not enough evidence"),
        replace(PLAIN, role="selffer", control="selffer", verdict="not enough evidence"),
    ]
    assert list(objections([preferred], rows, several_pairs=False)) == [
        "But full is not shown to be better than label_map with 20 images: relabelling is not "
        "ruled out.",
        "But full is no better than shuffled with 20 images: initial scale, not features.",
    ]
    unsure = comparison("not enough evidence")
    assert list(objections([unsure], rows, several_pairs=False)) == []
    renamed = [replace(rows[1], verdict="hurts")]
    (text,) = objections([unsure], renamed, several_pairs=True)
    assert text == (
        "source to target: But full is worse than label_map with 20 images: relabelling, not "
        "transfer."
    )


def test_sizes_with_the_same_objection_share_a_sentence() -> None:
    small = comparison("helps")
    large = replace(small, size="60", num_images=60)
    row = replace(PLAIN, verdict="no measurable difference")
    rows = [row, replace(row, size="60")]
    (text,) = objections([small, large], rows, several_pairs=False)
    assert "with 20 and 60 images" in text


def result_of(c: Comparison) -> ArmResult:
    return ArmResult(
        arm="full",
        size="20",
        num_images=20,
        source=c.source,
        target=PAIR[1],
        seeds=c.seeds,
        test_accuracy=(0.8,) * 5,
        mean=0.8,
        sd=0.0,
        lowest=0.8,
        highest=0.8,
        validation_mean=None,
        trainable_parameters=1,
        total_parameters=1,
        updates=12,
        seconds=1.0,
        flops=1,
        curves=(),
        missing=(),
    )


def facts_of(study: StudySpec, sizes: Any = None) -> Facts:
    """Facts of a study's target, as if it had been read."""
    dataset = DatasetFacts(
        name="d",
        content="0",
        shape=(1, 1, 1),
        classes=("a", "b"),
        train_counts=(9, 9),
        test_counts=(9, 9),
        sizes=sizes,
    )
    return Facts(datasets={study.tasks["target"].data.origin: dataset})


def answers(c: Comparison, study: StudySpec, **changes: Any) -> Answers:
    """One comparison with its control, as the headline is given it."""
    arm = result_of(c)
    nothing = ArmNote(arm="scratch", what="everything is trained", from_nothing=True)
    given = Answers(
        study=study,
        wording=wording_of(study, facts_of(study, changes.pop("sizes", None)), (nothing,)),
        comparisons=(replace(c, preferred=True),),
        results=(arm, replace(arm, arm="scratch", mean=0.6)),
        benefits=(),
        attributions=(),
        unlearnt=frozenset(),
    )
    return replace(given, **changes)


class LabelsOf:
    """The part of a benefit that the headline reads."""

    source, target, size, arm = (*PAIR, "20", "full")

    def __init__(self, labels: Estimate) -> None:
        self.labels = labels


def test_the_headline_says_how_often_both_are_right_and_the_verdict() -> None:
    helps = replace(comparison("helps"), gain_pp=20.0, low_pp=11.0, high_pp=29.04)
    study = tiny(arms=["scratch", "full"], sizes=[20]).study
    assert headline(answers(helps, study)) == (
        "With 20 images the network pretrained on 'source' is right 80 times in 100, training from "
        "nothing 60 times: it helps (full: +20.0 points [+11.0, +29.0])."
    )
    photos = headline(answers(helps, study, sizes=((9, 9), (9, 9))))
    assert photos.startswith("With 20 photos the network")


def test_a_gain_below_the_margin_is_called_so_in_the_headline() -> None:
    small = replace(comparison("helps"), qualifier="smaller than the margin", margin_pp=0.5)
    study = tiny(arms=["scratch", "full"], sizes=[20]).study
    assert ": it helps, but by less than 0.5 points (full: +" in headline(answers(small, study))


def test_a_control_that_has_not_learnt_is_an_objection_to_a_gain() -> None:
    study = tiny(arms=["scratch", "full"], sizes=[20]).study
    helps = comparison("helps")
    idle = frozenset({(helps.source, helps.target, helps.size, "scratch")})
    assert headline(answers(helps, study, unlearnt=idle)).endswith(
        "But scratch had learnt next to nothing with 20 images when its updates were used up: more "
        "updates may shrink that gain."
    )
    saved: Any = LabelsOf(Estimate(value=50, low=30, high=55))
    assert "it would take" not in headline(answers(helps, study, unlearnt=idle, benefits=(saved,)))
    hurts = comparison("hurts")
    assert "next to nothing" not in headline(answers(hurts, study, unlearnt=idle))


def test_two_seeds_are_too_few_and_the_headline_says_so() -> None:
    few = replace(comparison("not enough evidence"), seeds=(0, 1))
    text = headline(answers(few, tiny(arms=["scratch", "full"], sizes=[20]).study))
    assert "not enough evidence for a verdict, which takes at least 3 seeds (full: " in text


LABELS = (
    (Estimate(value=None, at_least=60, low=60, high=None), "more than 60 images."),
    (Estimate(value=None, at_least=60, low=45.2, high=None), "at least 45 images."),
    (Estimate(value=None, at_least=60), ""),
    (Estimate(value=50, low=30, high=55), "about 50 images (30 to 55)."),
    (Estimate(value=50, low=30, high=None), "about 50 images (at least 30)."),
    (Estimate(value=50), ""),
    (Estimate(value=None), ""),
)


@pytest.mark.parametrize(("labels", "end"), LABELS)
def test_labels_saved_are_never_more_than_their_interval_says(labels: Estimate, end: str) -> None:
    helps = comparison("helps")
    saved: Any = LabelsOf(labels)
    study = tiny(arms=["scratch", "full"], sizes=[20]).study
    text = headline(answers(helps, study, benefits=(saved,)))
    assert text.endswith(f"; from nothing it would take {end}" if end else "]).")


def test_the_headline_of_a_pretrained_source_is_about_its_checkpoint() -> None:
    source = {"pretrained": "timm:test_resnet"}
    table = tiny_table(arms=["scratch", "full"], sources={"imagenet": source}, sizes=[20])
    study = StudySpec(**{name: given for name, given in table.items() if name != "network"})
    helps = replace(comparison("helps"), source="imagenet")
    given = answers(helps, study)
    text = headline(given)
    assert text.startswith("With 20 images the pretrained network is right 80 times in 100")
    lines = details(study, facts_of(study), (), 0, Strictness(), given.comparisons)
    assert lines[-1].endswith("the verdict is about this checkpoint.")
