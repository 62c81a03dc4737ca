"""`headstart.study` of what is in memory: one call, the study that it makes, what is refused."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import headstart as hs
from headstart.core.errors import SpecError
from headstart.data.datasets import facts_of
from headstart.flow.check import Loaded, checked, with_facts
from headstart.plan.expand import make_plan
from headstart.study.declared import NAMED_NETWORKS
from headstart.study.study import StudySpec
from keras_files import KERAS_WARNS, keras

Pair = tuple[np.ndarray, np.ndarray]


def images(classes: tuple[int, ...], num: int, seed: int = 0) -> Pair:
    """Images of 12 x 12 with a bright column for their class, and labels."""
    stream = np.random.default_rng([seed, num, *classes])
    labels = np.resize(np.array(classes), num)
    pixels = stream.integers(0, 100, (num, 12, 12), dtype=np.uint8)
    pixels[np.arange(num), :, labels] = 255
    return pixels, labels


SOURCE, TARGET, TEST = images((5, 6, 7), 60), images((0, 1), 40), images((0, 1), 20, seed=1)
FEW: dict[str, Any] = {
    "training": {"updates": 4},
    "sizes": ["all"],
    "seeds": 1,
    "arms": ["scratch", "full"],
}


class Net(nn.Module):
    """A small module."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
        self.head = nn.Linear(3, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of images."""
        return self.head(self.body(inputs).mean((2, 3)))  # type: ignore[no-any-return]


def keys(loaded: Loaded) -> set[str]:
    """The steps of a study."""
    return set(make_plan(loaded.study, loaded.facts).steps)


def test_arrays_and_a_network_by_name_are_run_and_resumed(store_folder: Path) -> None:
    given = {"source": SOURCE, "test": TEST, "network": "cnn-tiny", **FEW}
    study = hs.study(TARGET, **given)
    assert {task.name: task.classes for task in with_facts(study).tasks} == {
        "source": ("5", "6", "7"),
        "target": ("0", "1"),
    }
    analysis = study.run(store_folder, workers=1)
    assert analysis.comparisons[0].arm == "full"
    assert hs.study(target=TARGET, **given) == study
    again = hs.load(_written(study, store_folder.parent))
    assert keys(with_facts(again)) == keys(with_facts(study))


def _written(study: Any, folder: Path) -> str:
    path = folder / "again.toml"
    path.write_text(study.toml())
    return str(path)


def test_the_text_of_a_study_says_what_was_found_and_its_file_is_the_study() -> None:
    study = hs.study(
        (TARGET[0] / 255, np.eye(2)[TARGET[1]]),
        source=(SOURCE[0] / 255, SOURCE[1]),
        network=Net,
        class_names={"target": ["ant", "bee"]},
        name="mine",
        training={"updates": 4},
        sizes=["all"],
        seeds=3,
    )
    text = str(study)
    assert repr(study) == (
        "<Study 'mine': scratch, random_trunk, probe, full, probe_then_full; 3 seeds>"
    )
    assert text.startswith("study 'mine'\n")
    for line in (
        "target: 2 classes: ant, bee",
        "target: floats from 0 to 1 (a scale of 0 to 1), given to networks as they are",
        "target: labels one-hot: 2 columns",
        "target: no test images: each seed tests another fifth of these",
        "source: no test images: about 20% of these test, dealt by their bytes",
        "network: Net(num_classes) makes it, for every seed anew",
        "time: about ",
    ):
        assert f"  {line}" in text
    cell = study._repr_html_()
    assert "network: Net(num_classes) makes it, for every seed anew" in cell
    assert "<script" not in cell
    assert study.repeated_targets == ("target",)
    assert StudySpec(**tomllib.loads(study.toml())).fingerprint == study.fingerprint


def test_arrays_are_the_study_of_the_same_data_in_files(tmp_path: Path) -> None:
    study = hs.study(TARGET, source=SOURCE, test=TEST, network="cnn-tiny", **FEW)
    place = tmp_path / "by-hand.npz"
    x, y = TARGET
    np.savez(place, x_train=x, y_train=y, x_test=TEST[0], y_test=TEST[1])
    table = tomllib.loads(study.toml())
    assert table["tasks"]["target"]["dataset"] != str(place)
    table["tasks"]["target"]["dataset"] = str(place)
    assert keys(checked(table, "by hand")) == keys(with_facts(study))


def test_a_declared_network_is_the_one_of_its_name() -> None:
    named = hs.study(TARGET, source=SOURCE, test=TEST, network="cnn-tiny", **FEW)
    declared = hs.study(TARGET, source=SOURCE, test=TEST, network=NAMED_NETWORKS["cnn-tiny"], **FEW)
    assert keys(with_facts(declared)) == keys(with_facts(named))


def test_a_trained_module_is_a_source_with_its_weights(store_folder: Path) -> None:
    tensors = torch.from_numpy(TARGET[0]).unsqueeze(1), torch.from_numpy(TARGET[1])
    study = hs.study(tensors, test=TEST, source=Net(), **FEW)
    assert "source: Net with the weights that it has now" in str(study)
    (source,) = study.sources.values()
    assert source.weights is not None
    assert study.network is None
    assert study.run(store_folder, workers=1).comparisons


@pytest.mark.filterwarnings(KERAS_WARNS)
def test_a_keras_model_is_a_network_or_a_source(store_folder: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    study = hs.study(TARGET, source=SOURCE, test=TEST, network=model, **FEW)
    assert "network: 3 layers translated into a declared network" in str(study)
    assert "'optimiser': {'kind': 'adam', 'defaults': 'keras', 'lr': 0.001}" in str(study)
    assert study.run(store_folder, workers=1).comparisons
    pretrained = hs.study(TARGET, source=model, test=TEST, **FEW)
    (source,) = pretrained.sources.values()
    assert source.pretrained is not None
    assert source.pretrained.kind == "keras"
    rows = hs.study(
        (TARGET[0].reshape(40, -1), TARGET[1]), source=SOURCE, test=TEST, network=model, **FEW
    )
    assert keys(with_facts(rows)) == keys(with_facts(study))


def test_train_and_test_come_together_as_libraries_load_them() -> None:
    together = hs.study((TARGET, TEST), source=SOURCE, network="cnn-tiny", **FEW)
    apart = hs.study(TARGET, test=TEST, source=SOURCE, network="cnn-tiny", **FEW)
    assert together == apart
    with pytest.raises(SpecError, match="brings a test part, and test= gives another"):
        hs.study((TARGET, TEST), test=TEST, source=SOURCE, network="cnn-tiny", **FEW)


def test_a_test_part_is_dealt_where_there_are_many_images_and_sources_have_several_kinds() -> None:
    many = images((0, 1, 2), 300)
    study = hs.study(many, source={"a": SOURCE, "b": images((3, 4), 50)}, network="cnn-tiny", **FEW)
    assert not study.repeated_targets
    facts = facts_of(study.tasks["target"].data)
    assert sum(facts.test_counts) + sum(facts.train_counts) == 300
    assert 30 < sum(facts.test_counts) < 90
    assert [pair.source for pair in study.pairs] == ["a", "b"]


def test_paths_with_labels_are_files(tmp_path: Path) -> None:
    paths = []
    for at, image in enumerate(TARGET[0]):
        path = tmp_path / f"{at}.png"
        Image.fromarray(image).resize((28, 28)).save(path)
        paths.append(str(path))
    study = hs.study(
        (paths, TARGET[1]),
        source="mnist-mini",
        network="cnn-tiny",
        **{**FEW, "seeds": 3},
    )
    assert study.tasks["target"].dataset.endswith(".csv")
    assert study.tasks["source"].dataset == "mnist-mini"


def test_an_arm_may_be_a_table_as_in_a_study_file() -> None:
    cut = {"kind": "freeze", "cut": "conv1"}
    table = {"name": "thaw_two", "start": "source", "strategy": cut}
    made = hs.study(
        TARGET, source=SOURCE, test=TEST, network="cnn-tiny", **{**FEW, "arms": [table, "full"]}
    )
    assert [arm.name for arm in made.arms] == ["scratch", "thaw_two", "full"]
    assert made.arms[1].strategy.kind == "freeze"
    wrong = {**table, "strategy": {**cut, "cut": "conv7"}}
    with pytest.raises(SpecError, match=r"strategy.*'conv7'"):
        hs.study(TARGET, source=SOURCE, test=TEST, network="cnn-tiny", **{**FEW, "arms": [wrong]})


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        hs.study(
            (TARGET[0][:, :, :6], TARGET[1][:9]),
            source=(SOURCE[0].astype(float) * np.nan, np.array(["a"] * 60)),
            test=(TEST[0], None),
            network=3,
            minutes=-1,
            class_names={"targets": ["a", "b"]},
            training={"updates": 4, "steps": 5},
            seeds="many",
            arms="ful",
        )
    text = str(caught.value)
    assert "network: got int. Expected a Keras model, a torch module" in text
    assert "minutes: got -1; give a number above 0" in text
    assert "class_names: task 'targets' is not known." in text
    assert "training.steps: key 'steps' is not known" in text
    assert "seeds: " in text
    assert "arm 'ful' is not known" in text
    assert "target, labels: 9 labels for 40 images" in text
    assert "test, labels: one value for 20 images" in text
    assert "source, images: has NaN in 60 of 60 images" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"network": "cnn-tiny"}, "source: is missing: a network alone has nothing to transfer"),
        ({"source": "timm:resnet18", "network": "cnn-tiny"}, "goes with a source to train it on"),
        ({"source": images((0, 1), 40)[0]}, "source"),
        (
            {"source": (SOURCE[0][:, 1:], SOURCE[1])},
            "several shapes: target 12 x 12 x 1, source 11 x 12 x 1",
        ),
        ({"source": (SOURCE[0] / 255, SOURCE[1])}, "the images of one task are bytes"),
        ({"source": SOURCE, "network": 3}, "got int. Expected a Keras model, a torch module"),
        ({"source": SOURCE, "network": "cnn-tinny"}, "network 'cnn-tinny' is not known"),
        ({"source": SOURCE, "test": images((0, 2), 9)}, "test labels have 2, which no training"),
        ({"source": SOURCE, "test": (TEST[0] / 255, TEST[1])}, "test: has floats, and training"),
        ({"source": SOURCE, "minutes": 0}, "minutes: got 0; give a number above 0"),
        ({"source": SOURCE, "labels": "labels.csv"}, "labels: is a table of files, and"),
        ({"source": {"target": SOURCE}}, "source 'target': is the name of the target"),
        ({"source": SOURCE, "training": {"steps": 4}}, "training.*steps"),
        ({"source": SOURCE, "training": 4}, "training: got 4; give a table"),
        ({"source": SOURCE, "class_names": 3}, "class_names: got 3. Expected names"),
        ({"source": "timm:resnet18", "source_test": TEST}, "source_test: goes with a source of"),
        (
            {"source": {"a": SOURCE, "b": TEST}, "source_test": {"c": TEST}},
            "source_test: source 'c' is not known",
        ),
    ],
)
def test_what_makes_no_study_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        hs.study(TARGET, **{**FEW, **given})


def test_what_was_given_is_left_as_it_was() -> None:
    pixels, model = TARGET[0][..., None].copy(), Net()
    before, drawn = model.state_dict()["body.0.weight"].clone(), torch.get_rng_state()
    hs.study((pixels, TARGET[1]), test=TEST, source=SOURCE, network=model, **FEW)
    pixels[0] = 1  # it is not read-only
    assert (model.state_dict()["body.0.weight"] == before).all()
    assert (torch.get_rng_state() == drawn).all()


def test_arrays_that_differ_anywhere_are_other_steps() -> None:
    def study_of(pixels: np.ndarray, **changes: Any) -> set[str]:
        given = {"test": TEST, "source": SOURCE, "network": "cnn-tiny", **FEW, **changes}
        return keys(with_facts(hs.study((pixels, TARGET[1]), **given)))

    pixels = TARGET[0].copy()
    first = study_of(pixels)
    pixels[-1, -1, -1] ^= 1
    other = study_of(pixels)
    assert first & other  # the source is the same
    assert first != other
    assert study_of(pixels, class_names={"target": ["a", "b"]}) == other  # names train nothing


def test_one_arm_is_a_text() -> None:
    study = hs.study(TARGET, source=SOURCE, network="cnn-tiny", **{**FEW, "arms": "full"})
    assert [arm.name for arm in study.arms] == ["scratch", "full"]


def test_a_target_that_is_no_images() -> None:
    with pytest.raises(SpecError, match=r"target: got int. Expected images with labels"):
        hs.study(3, source=SOURCE)
