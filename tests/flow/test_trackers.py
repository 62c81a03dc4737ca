"""Every experiment tracker: what it gets of a study, that it gets it once, and what is refused."""

import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import headstart as hs
from commands import Call
from headstart.execute.options import RunOptions
from headstart.flow.engine import Done, run
from headstart.flow.trackers.mlflow_runs import MLflowRuns
from headstart.flow.trackers.registry import TRACKERS, require_trackers, write_to
from headstart.flow.trackers.tracked import tracked_study, tracked_trials
from studies import tiny


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A tiny study that has been run."""
    options = RunOptions(store=tmp_path_factory.mktemp("tracked"), workers=1)
    loaded = tiny(arms=["scratch", "full"], sizes=[20], seeds=2)
    return run(loaded, options, listen=lambda *_: None)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where each tracker writes without a server, by its name."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    return {
        "mlflow": f"mlflow=file:{tmp_path / 'mlruns'}",
        "tensorboard": f"tensorboard={tmp_path / 'logs'}",
        "wandb": "wandb=project",
    }


@pytest.mark.filterwarnings("ignore")  # of the trackers' libraries
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("mlflow", marks=pytest.mark.slow),  # takes long to import
        "tensorboard",
        pytest.param("wandb", marks=pytest.mark.slow),  # a process for each run
    ],
)
def test_a_tracker_has_every_trial_and_the_report_once(
    name: str, done: Done, tmp_path: Path, offline: dict[str, str]
) -> None:
    kind = TRACKERS[name]
    pytest.importorskip(kind.module)
    where = offline[name].partition("=")[2]
    study = tracked_study(done.analysis, done.summary)
    keys = {trial.key for trial in tracked_trials(done.analysis, done.plan)}
    assert len(keys) == 4
    before = kind.writer(where, tmp_path, study.name).known()
    assert not before & {*keys, study.content}

    write_to([offline[name]], done, tmp_path)
    assert kind.writer(where, tmp_path, study.name).known() >= {*keys, study.content}
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    write_to([offline[name]], done, tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == files


def test_every_tracker_is_tested(offline: dict[str, str]) -> None:
    assert offline.keys() == TRACKERS.keys()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_has_the_curve_the_parameters_and_the_page(
    done: Done, tmp_path: Path, offline: dict[str, str]
) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    write_to([offline["mlflow"]], done, tmp_path)
    client = tracking.MlflowClient(tracking_uri=offline["mlflow"].partition("=")[2])
    experiment = client.get_experiment_by_name("tiny").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert len(runs) == 5
    full = runs["full 20 seed 1"]
    expected = next(
        trial
        for trial in tracked_trials(done.analysis, done.plan)
        if trial.name == "full 20 seed 1"
    )
    assert full.data.params["arm"] == "full"
    assert full.data.params["seed"] == "1"
    assert float(full.data.params["learning_rate"]) > 0
    assert full.data.metrics["test_accuracy"] == expected.results["test_accuracy"]
    curve = client.get_metric_history(full.info.run_id, "validation_accuracy")
    assert [point.step for point in curve] == [4, 8, 12]
    report = runs["tiny"]
    assert report.data.tags["mlflow.note.content"] == done.analysis.headline
    (page,) = client.list_artifacts(report.info.run_id)
    assert page.path == "report.html"

    # A gain that is written anew takes the place of one that was larger.
    study = tracked_study(done.analysis, done.summary)
    writer = MLflowRuns(offline["mlflow"].partition("=")[2], tmp_path, "tiny")
    for gain in (9.0, 2.0):
        writer.write_study(replace(study, results={"gain_pp/20/full": gain}))
        time.sleep(0.01)  # MLflow counts milliseconds
    (again,) = (run for run in client.search_runs([experiment]) if run.info.run_name == "tiny")
    assert again.data.metrics["gain_pp/20/full"] == 2.0


def test_tensorboard_has_the_curve_and_the_page(
    done: Done, tmp_path: Path, offline: dict[str, str]
) -> None:
    write_to([offline["tensorboard"]], done, tmp_path)
    folders = sorted(path for path in (tmp_path / "logs" / "tiny").iterdir())
    assert len(folders) == 5
    assert "<html" in (tmp_path / "logs" / "tiny" / "report" / "report.html").read_text("utf-8")
    folder = next(path for path in folders if path.name.startswith("full 20 seed 1"))
    expected = next(
        trial
        for trial in tracked_trials(done.analysis, done.plan)
        if trial.name == "full 20 seed 1"
    )
    found: dict[str, dict[int, float]] = {}
    for event in _events(next(folder.glob("events.*"))):
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value.simple_value
    validated = {at: values["validation_accuracy"] for at, values in expected.curve}
    assert found["validation_accuracy"] == pytest.approx(validated)


def _events(path: Path) -> Iterator[Any]:
    """Events of a file: length, its checksum, the event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    content, at = path.read_bytes(), 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        yield Event.FromString(content[at + 12 : at + 12 + length])
        at += length + 16


def test_parameters_name_what_sets_a_trial_apart(done: Done) -> None:
    trial = next(tracked_trials(done.analysis, done.plan))
    assert trial.parameters | {"learning_rate": 0} == {
        "study": "tiny", "source": "source", "target": "target", "arm": "scratch", "size": "20",
        "num_images": 20, "seed": 0, "updates": 12, "trainable_parameters": 749,
        "total_parameters": 749, "optimiser": "sgd", "learning_rate": 0, "weight_decay": 0.0,
        "batch_size": 16,
    }  # fmt: skip
    assert [update for update, _ in trial.curve] == [4, 8, 12]


def test_gains_of_several_pairs_keep_their_source_and_target_apart(done: Done) -> None:
    (gain,) = tracked_study(done.analysis, done.summary).results
    assert gain == "gain_pp/20/full"
    (one,) = done.analysis.comparisons
    other = replace(one, source="other", gain_pp=one.gain_pp + 1)
    several = replace(done.analysis, comparisons=(one, other))
    assert tracked_study(several, done.summary).results == {
        "gain_pp/source/target/20/full": one.gain_pp,
        "gain_pp/other/target/20/full": one.gain_pp + 1,
    }
    names = [trial.name for trial in tracked_trials(several, done.plan)]
    assert "source to target full 20 seed 1" in names


def test_an_unknown_tracker_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(hs.SpecError, match="Did you mean 'tensorboard'"):
        require_trackers(["tensorbord"])
    study = hs.Study(**tiny().study.model_dump(mode="json"))
    with pytest.raises(hs.SpecError, match="Known: mlflow, tensorboard, wandb"):
        study.run(tmp_path / "store", track=["neptune"])
    assert not (tmp_path / "store").exists()


def test_the_command_refuses_an_unknown_tracker_at_once(call: Call, tmp_path: Path) -> None:
    ended = call("run", "digits", "--track", "wandb2", "--store", tmp_path / "store")
    assert ended.status == 2
    assert "Did you mean 'wandb'?" in ended.err
    assert not (tmp_path / "store").exists()


def test_a_missing_library_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("headstart.flow.trackers.registry.find_spec", lambda _: None)
    with pytest.raises(hs.HeadstartError, match=r"pip install 'headstart\[mlflow,wandb\]'"):
        require_trackers(["mlflow", "wandb=project"])


def test_a_tracker_that_cannot_be_written_says_that_nothing_is_lost(
    done: Done, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(hs.HeadstartError, match="trains nothing"):
        write_to([f"tensorboard={tmp_path / 'file'}"], done, tmp_path)
