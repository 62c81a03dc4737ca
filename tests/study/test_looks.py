"""Looks, learning rates and the pilot seed as a study says them."""

from typing import Any

import pytest

from headstart.core.errors import SpecError
from headstart.study.study import StudySpec
from studies import tiny_table


def told(**changes: Any) -> str:
    with pytest.raises(SpecError) as error:
        StudySpec(**tiny_table(**changes))
    return str(error.value)


def test_auto_is_five_eight_twelve_and_twenty_seeds() -> None:
    study = StudySpec(**tiny_table(seeds="auto"))
    assert (study.seeds, study.looks) == ((0, 1, 2, 3, 4), (5, 8, 12, 20))
    assert study.all_seeds == tuple(range(20))
    assert StudySpec(**study.model_dump(mode="json")) == study


def test_auto_begins_with_the_first_of_the_looks_that_are_given() -> None:
    study = StudySpec(**tiny_table(seeds="auto", looks=[3, 6]))
    assert (study.seeds, study.all_seeds) == ((0, 1, 2), tuple(range(6)))


def test_a_fixed_number_of_seeds_is_one_look() -> None:
    study = StudySpec(**tiny_table(seeds=[3, 1]))
    assert (study.looks, study.all_seeds) == ((), (3, 1))


def test_looks_that_do_not_fit_are_told() -> None:
    assert "ascending" in told(seeds=5, looks=[5, 4])
    assert "Write seeds = 4" in told(seeds=5, looks=[4, 8])


def test_a_budget_is_for_seeds_that_are_added() -> None:
    assert StudySpec(**tiny_table(seeds="auto", minutes=2.5)).minutes == 2.5
    assert 'Write seeds = "auto" (--seeds auto)' in told(seeds=5, minutes=10)
    assert "minutes" in told(seeds="auto", minutes=0)


def test_the_pilot_seed_is_no_evidence() -> None:
    assert "pilot_seed: 2 is one of the seeds" in told(pilot_seed=2)
    assert "pilot_seed: 15 is one of the seeds" in told(seeds="auto", pilot_seed=15)


def test_rates_are_told_what_is_wrong_with_them() -> None:
    training = tiny_table()["training"]
    assert "one learning rate only" in told(training={**training, "rates": [0.1]})
    assert "ascending order" in told(training={**training, "rates": [0.1, 0.01]})
    own = {"name": "own", "start": "source", "strategy": "full"}
    other = {**own, "training": {**training, "rates": [0.5, 1.0]}}
    message = told(training={**training, "rates": [0.01, 0.1]}, arms=["scratch", other])
    assert "another grid than the study's" in message


def test_rates_need_images_to_choose_on() -> None:
    table = tiny_table()
    table["tasks"]["target"]["split"]["validation"] = 0
    training = {**table["training"], "rates": [0.01, 0.1], "keep": "last"}
    message = told(tasks=table["tasks"], training=training)
    assert "training.rates: are chosen on validation images, but task 'target'" in message
