"""The trained model of a trial, read from a store."""

from dataclasses import replace
from typing import cast

from headstart.analyse.model_quality import quality_of
from headstart.core.errors import StoreError
from headstart.core.hashing import Json
from headstart.execute.steps.inputs import scaling_for
from headstart.execute.steps.weights import StoredWeights
from headstart.model.trained import Origin, TrainedModel
from headstart.plan.payload_types import PredictPayload
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.decoding import CHANNELS, Colour, Decoding
from headstart.study.facts import Facts
from headstart.study.network_facts import Shape
from headstart.study.study import StudySpec
from headstart.study.tasks import DataRef


def trained_model(
    study: StudySpec, facts: Facts, plan: Plan, trial: Trial, store: Store
) -> TrainedModel:
    """The model that the predict step of a trial tests: the same weights and preprocessing.

    Raises:
        StoreError: the trial trains nothing, has not been trained yet, or inverts its images.
        DataError: statistics that standardise are to be measured, and the images are missing.
    """
    _check_trained(study, trial, store)
    step = plan.steps[trial.predict_key]
    payload, stored = cast(PredictPayload, step.payload), StoredWeights(store, step.files)
    weights, counted = stored.finished(step.inputs, payload["keep"])
    network = stored.network(payload["network"])
    task = study.tasks[trial.target]
    known, data = facts.of(task), facts.data(task, facts.identified(network))
    pixels = known.image_shape(data.decoding)
    assert pixels is not None, "the checks of a study refuse images that differ"
    return TrainedModel(
        network=network,
        pixels=pixels,
        dtype="float32" if known.floats else "uint8",
        classes=tuple(task.groups(known.classes)),
        weights=weights,
        scaling=scaling_for(payload["preprocessing"], step.datasets),
        decoding=_for_any_file(known, data, pixels),
        origin=_origin(study, plan, trial, counted, store),
    )


def _check_trained(study: StudySpec, trial: Trial, store: Store) -> None:
    if not trial.train_keys:
        raise StoreError(
            f"arm '{trial.arm}' trains no network, so there is no model of it. "
            "Name another one: --arm NAME."
        )
    if "inverted_images" in study.tasks[trial.target].alter:
        raise StoreError(
            f"task '{trial.target}' inverts its images (alter), for a control: its models would "
            "take no image as it is."
        )
    if len(store.finished(trial.train_keys)) < len(set(trial.train_keys)):
        raise StoreError(
            f"arm '{trial.arm}' at size {trial.size} with seed {trial.seed} is not trained yet."
        )


def _for_any_file(known: DatasetFacts, data: DataRef, pixels: Shape) -> Decoding:
    """The decoding of the training images, with the size and colour that all of them have.

    Where no fit was said and all had the proportions of that size, others are cropped as they would
    have been.
    """
    height, width, channels = pixels
    colours: dict[int, Colour] = {number: colour for colour, number in CHANNELS.items()}
    decoding = replace(data.decoding, size=(height, width), colour=colours[channels])
    by_default = data.fit is None and data.crop is None and known.has_proportions((height, width))
    return replace(decoding, fit="crop", crop=1.0) if by_default else decoding


def _origin(study: StudySpec, plan: Plan, trial: Trial, counted: Json, store: Store) -> Origin:
    return Origin(
        study=study.name,
        source=trial.source,
        target=trial.target,
        arm=trial.arm,
        size=trial.size,
        num_images=trial.num_images,
        seed=trial.seed,
        updates=counted.get("update"),
        steps=trial.train_keys,
        validation_accuracy=counted.get("validation_accuracy"),
        test=quality_of(plan, trial, store),
    )
