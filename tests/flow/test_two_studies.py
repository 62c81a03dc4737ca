"""Two studies of stores side by side, and the command that shows them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from commands import refused
from headstart.analyse.records import gather
from headstart.analyse.statistics import MeanError, crossed
from headstart.execute.options import RunOptions
from headstart.flow import compare_studies, find_two, reopen, run
from headstart.flow.reopen import reopen_number
from headstart.report.two_studies import caveats
from headstart.store.store import Store
from studies import tiny

if TYPE_CHECKING:
    from commands import Call

SMALL: dict[str, Any] = {"sizes": [20], "arms": ["scratch", "full"], "seeds": 3}
LONGER = {"updates": 24, "batch_size": 16, "validations": 3}


def stored(folder: Path, **changes: Any) -> None:
    run(tiny(**SMALL | changes), RunOptions(store=folder, workers=1), listen=lambda *_: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the tiny study, then trained for longer, then with other seeds and data."""
    folder = tmp_path_factory.mktemp("two")
    stored(folder)
    stored(folder, training=LONGER)
    stored(folder, name="seeds", seeds=[2, 3, 4])
    return folder


def test_the_difference_of_gains_is_over_what_both_share(folder: Path) -> None:
    places = find_two("tiny", "tiny", (folder, folder))
    assert [place.number for place in places] == [1, 2]  # the earlier one first
    two = compare_studies(*places)
    assert [d.field for d in two.differences] == ["training, updates"]
    (shared,) = two.shared
    found = shared.difference
    assert found is not None
    assert found.seeds == (0, 1, 2)
    with Store(folder, reading=True) as store:
        gains = []
        for place in places:
            records = gather(reopen_number(store, place.number).plan, store)
            arm, control = (records["source", "target", "20", name] for name in ("full", "scratch"))
            gains.append([arm[s].correct.astype(int) - control[s].correct for s in found.seeds])
    table = np.asarray(gains[1]) - np.asarray(gains[0])
    low, high = MeanError.interval(crossed(table), 0.95)
    assert found.difference_pp == pytest.approx(100 * table.mean())
    assert (found.low_pp, found.high_pp) == pytest.approx((100 * low, 100 * high))
    gain = shared.second.gain_pp - shared.first.gain_pp
    assert found.difference_pp == pytest.approx(gain)
    assert found.num_images == table.shape[1]


def test_without_two_shared_seeds_nothing_is_tested(folder: Path) -> None:
    two = compare_studies(*find_two("tiny", "seeds", (folder, folder)))
    (shared,) = two.shared
    assert shared.difference is None
    assert shared.why_untested == "they do not share two seeds"


def test_other_test_images_are_no_common_ground(folder: Path, tmp_path: Path) -> None:
    tasks = {
        "source": {"dataset": "mnist-mini", "classes": [5, 6, 7, 8, 9]},
        "target": {
            "dataset": "mnist-mini",
            "classes": [0, 1, 2, 3],
            "split": {"validation": 200},
        },
    }
    stored(tmp_path, tasks=tasks)
    two = compare_studies(*find_two("tiny", "tiny", (folder, tmp_path)))
    assert two.shared[0].why_untested == "they are not tested on the same images"
    assert ("tasks, target, classes", "0 to 4", "0 to 3") in [
        (d.field, d.first, d.second) for d in two.differences
    ]


def test_a_test_part_for_each_seed_is_said_to_be_why(folder: Path, tmp_path: Path) -> None:
    source, target = tiny(**SMALL).study.tasks.values()
    split = {"take": [0, 0.1], "test": "repeated", "validation": 40}
    again = {"dataset": target.dataset, "classes": target.classes, "split": split}
    stored(tmp_path, tasks={"source": source, "target": again})
    two = compare_studies(*find_two("tiny", "tiny", (folder, tmp_path)))
    assert two.shared[0].why_untested == "a study has a test part for each seed"


def test_a_study_that_is_not_finished_is_said_to_be(folder: Path, tmp_path: Path) -> None:
    stored(tmp_path)
    with Store(tmp_path) as store:
        store.drop(reopen(store, "tiny").plan.trials[0].score_key)
    two = compare_studies(*find_two("tiny", "tiny", (tmp_path, folder)))
    assert two.shared[0].why_untested == "one of them is not finished"
    assert caveats(two)[0] == "tiny (first) is not finished: 5 of 6 trials are done."


def test_the_command_prints_writes_and_documents(
    call: "Call", folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "two.html"
    shown = call("compare", "tiny", "tiny", "--store", folder, "--html", page)
    assert shown.status == 0
    for part in ("differ in 1 field", "training, updates", "tiny (first)", "no verdict", "Page:"):
        assert part in shown.out
    markup = page.read_text(encoding="utf-8")
    assert "<script" not in markup
    assert "A difference is the gain in tiny (second) less that in tiny (first)." in markup
    assert "training, updates" in markup
    document = json.loads(call("compare", "tiny", "seeds", "--store", folder, "--json").out)
    assert [one["study"] for one in document["studies"]] == ["tiny", "seeds"]
    assert document["comparisons"][0]["why_untested"] == "they do not share two seeds"
    assert {"field": "seeds", "first": "0 to 2", "second": "2 to 4"} in document["differences"]


def test_bad_input_is_named(call: "Call", folder: Path) -> None:
    refused(call("compare", "seeds", "seeds", "--store", folder), "one study called 'seeds'")
    refused(call("compare", "tiny", "sseds", "--store", folder), "Did you mean 'seeds'?")
    refused(call("compare", "tiny", "seeds"), "there is no store at")
    three = call("compare", "a", "b", *["--store", folder] * 3)
    assert three.status == 2
    assert "once for both studies, or twice" in three.err
