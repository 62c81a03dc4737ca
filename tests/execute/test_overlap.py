"""The overlap step against a comparison of every image with every other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.data.catalogue import PARTS, STEMS
from headstart.data.datasets import Images, facts_of
from headstart.data.formats.idx import write_idx
from headstart.data.tasks import TrainingPart, training_part
from headstart.data.tasks import test_part as images_to_test
from headstart.execute.executors import InlineExecutor
from headstart.execute.options import RunOptions
from headstart.execute.scheduler import execute
from headstart.flow import Loaded, run, with_facts
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.facts import Facts
from headstart.study.study import StudySpec
from headstart.study.tasks import DataRef, TaskSpec
from studies import tiny_table

NUM_TRAIN, NUM_TEST, NUM_CLASSES = 120, 60, 4


def write(folder: Path, again: dict[str, list[int]], seed: int = 3) -> str:
    """Random images of 8x8 in four classes; `again` says which training images come once more.

    `again["train"]` and `again["test"]` are positions of training images whose copies, with their
    labels, take the last places of that part.
    """
    draw = np.random.default_rng(seed)
    pixels = {"train": draw.integers(0, 256, (NUM_TRAIN, 8, 8), np.uint8)}
    labels = {"train": np.arange(NUM_TRAIN, dtype=np.uint8) % NUM_CLASSES}
    pixels["test"] = draw.integers(0, 256, (NUM_TEST, 8, 8), np.uint8)
    labels["test"] = np.arange(NUM_TEST, dtype=np.uint8) % NUM_CLASSES
    for part in PARTS:
        for place, image in enumerate(again.get(part, []), 1):
            pixels[part][-place] = pixels["train"][image]
            labels[part][-place] = labels["train"][image]
        images, classes = STEMS[part]
        write_idx(folder / images, pixels[part])
        write_idx(folder / classes, labels[part])
    return str(folder)


def overlap_of(source: dict[str, Any], target: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the overlap step of a study with these tasks leaves in a store, leaked images too."""
    network = {"stages": [{"name": "flat", "layers": ["flatten", {"kind": "dense", "units": 2}]}]}
    tasks = {"source": source, "target": target}
    table = tiny_table(tasks=tasks, network=network, sizes=["all"], leaks={"near": 0.99})
    loaded = with_facts(StudySpec(**table))
    plan = make_plan(loaded.study, loaded.facts)
    ((key,),) = plan.overlaps.values()
    alone = type(plan)(trials=(), sources=(), overlaps=plan.overlaps, steps={key: plan.steps[key]})
    with Store(folder / "store") as store:
        options = RunOptions(store=folder / "store", workers=1, device="cpu")
        assert execute(alone, store, options, InlineExecutor(), lambda *_: None).run == 1
        row = store.row(key)
        assert row is not None
        found = {**row.result, "leaked": store.arrays(key)["leaked"].tolist()}
    expected = by_hand(loaded)
    assert {name: found[name] for name in expected} == expected
    assert found["leaked_near"] == 0  # noise is like no other noise
    return found


def by_hand(loaded: Loaded) -> dict[str, Any]:
    """The same from comparing every image with every other."""
    tasks, facts = loaded.study.tasks, loaded.facts
    source, target = (part_of(tasks[name], loaded) for name in ("source", "target"))
    spec = tasks["target"]
    groups = tuple(spec.groups(facts.of(spec).classes).values())
    test = images_to_test(spec.data, groups, spec.split)

    def alike(one: Images, other: Images) -> np.ndarray:
        """Whether image i of one is image j of the other."""
        flat = [images.pixels.reshape(len(images.labels), -1) for images in (one, other)]
        return np.asarray((flat[0][:, None] == flat[1][None]).all(2))

    trained = alike(target.train, source.train)
    shared = {
        (int(source.train.labels[j]), int(target.train.labels[i]))
        for i, j in zip(*np.nonzero(trained), strict=True)
    }
    from_source = alike(test, source.train).any(1)
    from_target = alike(test, target.train).any(1)
    from_validation = alike(test, target.validation).any(1) & (spec.split.by != "test")
    follows = bool(shared) and len({s for s, _ in shared}) == len(shared)
    return {
        "num_source": len(source.train.labels),
        "num_target": len(target.train.labels),
        "num_test": len(test.labels),
        "shared_train": int(trained.any(1).sum()),
        "shared_validation": int(alike(target.validation, source.train).any(1).sum()),
        "leaked_from_source": int(from_source.sum()),
        "leaked_from_target": int(from_target.sum()),
        "leaked": np.flatnonzero(from_source | from_target | from_validation).tolist(),
        "leaked_from_validation": int(from_validation.sum()),
        "label_function": follows,
        "same_labels": follows and len({t for _, t in shared}) == len(shared),
    }


def part_of(task: TaskSpec, loaded: Loaded) -> TrainingPart:
    groups = tuple(task.groups(loaded.facts.of(task).classes).values())
    return training_part(task.data, groups, task.split)


def task(dataset: str, **more: Any) -> dict[str, Any]:
    return {"dataset": dataset, "split": {"by": "head", "validation": 12}, **more}


def test_equal_tasks_share_every_image_and_label(tmp_path: Path) -> None:
    data = write(tmp_path / "one", {})
    found = overlap_of(task(data), task(data), tmp_path)
    assert (found["shared_train"], found["num_target"]) == (108, 108)
    assert found["label_function"]
    assert found["same_labels"]
    assert found["leaked"] == []
    assert found["shared_validation"] == 0


def test_classes_in_another_order_are_still_the_same(tmp_path: Path) -> None:
    data = write(tmp_path / "one", {})
    found = overlap_of(task(data), task(data, classes=[3, 1, 0, 2]), tmp_path)
    assert (found["label_function"], found["same_labels"]) == (True, True)


def test_merged_classes_follow_from_the_source_but_not_the_other_way_round(tmp_path: Path) -> None:
    data = write(tmp_path / "one", {})
    parity = task(data, classes={"odd": [1, 3], "even": [0, 2]})
    found = overlap_of(task(data), parity, tmp_path)
    assert (found["label_function"], found["same_labels"]) == (True, False)
    # From parity to the four classes nothing follows.
    back = overlap_of(parity, task(data), tmp_path / "back")
    assert (back["shared_train"], back["label_function"], back["same_labels"]) == (
        108,
        False,
        False,
    )


def test_other_classes_share_nothing(tmp_path: Path) -> None:
    data = write(tmp_path / "one", {})
    found = overlap_of(task(data, classes=[0, 1]), task(data, classes=[2, 3]), tmp_path)
    assert (found["shared_train"], found["shared_validation"], found["leaked"]) == (0, 0, [])
    assert (found["label_function"], found["same_labels"]) == (False, False)


def test_test_images_that_were_trained_on_are_found_one_by_one(tmp_path: Path) -> None:
    # Image 21 is of class 1, 42 of class 2, 40 of class 0; 3 lies among the validation images.
    data = write(tmp_path / "one", {"test": [21, 42, 40, 3]})
    found = overlap_of(task(data, classes=[0, 1]), task(data, classes=[2, 3]), tmp_path)
    # Those of class 2 and 3 are test images of the target; 21 and 40 are none of its classes. It
    # validates on 3.
    assert (found["leaked_from_source"], found["leaked_from_target"]) == (0, 1)
    assert found["leaked_from_validation"] == 1
    whole = overlap_of(task(data), task(data), tmp_path / "whole")
    assert (whole["leaked_from_source"], whole["leaked_from_target"]) == (3, 3)
    assert whole["leaked"] == [NUM_TEST - place for place in (4, 3, 2, 1)]


def test_images_of_another_data_set_leak_too(tmp_path: Path) -> None:
    source = write(tmp_path / "one", {})
    target = write(tmp_path / "two", {}, seed=4)
    # The target tests on ten images that the source trains on.
    folder = Path(target)
    one, two = (training_pixels(data) for data in (source, target))
    assert not (one[:, None] == two[None]).all((2, 3)).any()
    draw = np.random.default_rng(5).integers(0, 256, (NUM_TEST, 8, 8), np.uint8)
    draw[10:20] = one[30:40]
    write_idx(folder / STEMS["test"][0], draw)
    found = overlap_of(task(source), task(target), tmp_path)
    assert found["leaked"] == list(range(10, 20))
    assert (found["leaked_from_source"], found["leaked_from_target"]) == (10, 0)
    assert found["shared_train"] == 0


def test_a_study_that_validates_on_its_test_images_still_scores_them(tmp_path: Path) -> None:
    data = write(tmp_path / "one", {"test": [21]})
    split = {"by": "test"}
    found = overlap_of(
        task(data, classes=[0, 1], split=split), task(data, classes=[1, 2], split=split), tmp_path
    )
    assert len(found["leaked"]) == 1
    assert found["leaked_from_validation"] == 0


def training_pixels(dataset: str) -> np.ndarray:
    groups = tuple((index,) for index in range(NUM_CLASSES))
    split = TaskSpec.model_validate(task(dataset)).split
    return training_part(DataRef(dataset=dataset), groups, split).train.pixels[..., 0]


def test_an_image_that_comes_twice_joins_halves(tmp_path: Path) -> None:
    # Images 20 and 30 come again at the end of the training part.
    data = write(tmp_path / "one", {"train": [20, 30]})
    first, second = (
        task(data, split={"by": "head", "validation": 6, "take": take})
        for take in ([0.0, 0.5], [0.5, 1.0])
    )
    found = overlap_of(first, second, tmp_path)
    assert (found["shared_train"], found["num_source"], found["num_target"]) == (2, 54, 54)


@pytest.mark.parametrize("share", [0.5, 0.25, 0.33, 1 / 3])
def test_parts_that_tasks_take_are_disjoint_and_add_up(share: float, tmp_path: Path) -> None:
    first, rest = (
        {"dataset": "mnist-mini", "split": {"take": take, "validation": 100}}
        for take in ([0.0, share], [share, 1.0])
    )
    study = StudySpec(**tiny_table(tasks={"source": first, "target": rest}))
    facts = Facts(datasets={"mnist-mini": facts_of(DataRef(dataset="mnist-mini"))})
    plan = make_plan(study, facts)
    ((key,),) = plan.overlaps.values()
    with Store(tmp_path / "store") as store:
        alone = type(plan)(
            trials=(), sources=(), overlaps=plan.overlaps, steps={key: plan.steps[key]}
        )
        options = RunOptions(store=tmp_path / "store", workers=1, device="cpu")
        execute(alone, store, options, InlineExecutor(), lambda *_: None)
        row = store.row(key)
    assert row is not None
    told = row.result
    assert (told["shared_train"], told["shared_validation"]) == (0, 0)
    assert told["num_source"] + told["num_target"] + 2 * 100 == 10_000
    parts = [part_of(study.tasks[name], Loaded(study=study, facts=facts)) for name in study.tasks]
    everything = training_part(
        DataRef(dataset="mnist-mini"),
        tuple((index,) for index in range(10)),
        TaskSpec.model_validate({"dataset": "x", "split": {"by": "head", "validation": 0}}).split,
    )
    labels = sorted(
        label for part in parts for images in (part.train, part.validation)
        for label in images.labels.tolist()
    )  # fmt: skip
    assert labels == sorted(everything.train.labels.tolist())


def test_copies_reach_the_analysis_and_leave_the_scores(tmp_path: Path) -> None:
    """From files to the report: a brighter copy of a training image is tested by nobody."""
    source, target = write(tmp_path / "one", {}), write(tmp_path / "two", {}, seed=4)
    draw = np.random.default_rng(5).integers(0, 256, (NUM_TEST, 8, 8), np.uint8)
    draw[10] = np.clip(training_pixels(source)[30].astype(int) * 0.8 + 20, 0, 255)
    draw[11] = training_pixels(target)[40][:, ::-1]
    write_idx(Path(target) / STEMS["test"][0], draw)
    network = {"stages": [{"name": "flat", "layers": ["flatten", {"kind": "dense", "units": 2}]}]}
    tasks = {"source": task(source), "target": task(target, classes=[0, 1, 2, 3])}
    table = tiny_table(tasks=tasks, network=network, sizes=["all"], seeds=1, leaks={"near": 0.99})
    options = RunOptions(store=tmp_path / "store", workers=1, device="cpu")
    analysis = run(with_facts(StudySpec(**table)), options, listen=lambda *_: None).analysis
    (report,) = analysis.leaks
    assert (report.near, report.num_left_out, report.num_test) == (0.99, 2, NUM_TEST)
    first, second = report.copies[:2]
    assert (first.part, first.other, first.near) == ("target test", "source training", 1)
    assert (second.other, second.mirrored, second.near) == ("target training", 1, 0)
    assert report.common_classes == ("0", "1", "2", "3")
    near, mirrored = report.copy_examples
    assert (near.index, near.other_index, near.kind) == (10, 30, "near")
    assert (near.label, near.other_label) == ("2", "2")
    assert near.picture.values == draw[10].tobytes()
    assert mirrored.other_picture.values == training_pixels(target)[40].tobytes()
    (gate,) = (gate for gate in analysis.gates if gate.id == "CHK-01-leaks")
    assert gate.message == (
        f"2 of {NUM_TEST} test images of 'target' are also training images (1 of the source's, 1 "
        "of the target's): left out of all scores; not equal but alike: 1 of them (if the pairs "
        'in the report are other images, write `leaks = { near = "off" }`).'
    )
    for result in analysis.arms:
        (score,) = result.test_accuracy
        assert score * (NUM_TEST - 2) == pytest.approx(round(score * (NUM_TEST - 2)))
