"""Changes that break a study, each with the problem that must be told; arms: `told_of_arms`."""

from collections.abc import Iterable
from typing import Any, get_args

from headstart.core.errors import Problem
from headstart.study.arms import NAMED_ARMS
from headstart.study.declared import AnyLayer
from headstart.study.study import StudySpec
from studies import TINY_NETWORK


def listed(names: Iterable[str]) -> str:
    return f"Known: {', '.join(sorted(names))}."


def kinds(union: Any) -> str:
    return listed(member.model_fields["kind"].default for member in get_args(union))


SECTIONS = listed(StudySpec.model_fields)
LAYERS = kinds(AnyLayer)
NAMES = listed(NAMED_ARMS)


def stage(*layers: Any) -> dict[str, Any]:
    return {"stages": [{"name": "one", "layers": layers}]}


CASES: list[tuple[dict[str, Any], Problem]] = [
    (
        {"trainin": {}},
        Problem(
            where="trainin",
            message="key 'trainin' is not known.",
            allowed=SECTIONS,
            fix="Did you mean 'training'?",
        ),
    ),
    (
        {"name": None},
        Problem(
            where="name",
            message="is missing.",
            fix='Give the study a name: name = "digits"',
        ),
    ),
    (
        {"tasks": None},
        Problem(
            where="tasks",
            message="is missing.",
            fix="Write [tasks.source] and [tasks.target], each with a dataset.",
        ),
    ),
    (
        {"network": None},
        Problem(
            where="network",
            message="is missing.",
            fix='Name one (network = "cnn-tiny") or write [network] with stages.',
        ),
    ),
    (
        {"training": None},
        Problem(
            where="training",
            message="is missing.",
            fix="Write [training] with epochs or updates.",
        ),
    ),
    (
        {"name": "a/b"},
        Problem(
            where="name",
            message="got 'a/b'; it must be letters, digits, '.', '_' and '-' only, a letter or "
            "digit first.",
        ),
    ),
    (
        {"tasks": {"source": {"classes": [1]}}},
        Problem(
            where="tasks.source.dataset",
            message="is missing.",
            fix="Give the name of a data set (headstart data list) or a path.",
        ),
    ),
    (
        {"tasks": {"source": {"dataset": " "}}},
        Problem(
            where="tasks.source.dataset",
            message="is empty; give the name of a data set or a path",
        ),
    ),
    (
        {"tasks": 5},
        Problem(where="tasks", message="got 5; it must be a table."),
    ),
    (
        {"network": "cnn-tny"},
        Problem(
            where="network",
            message="network 'cnn-tny' is not known. Known: cnn-small, cnn-tiny, mlp-300-100, "
            "mlp-small. Or a library's: timm:NAME, torchvision:NAME, keras:NAME, "
            "keras-on-torch:NAME, hf:NAME, "
            "module:NAME. Did you mean 'cnn-tiny'?",
        ),
    ),
    (
        {"network": "zzz"},
        Problem(
            where="network",
            message="network 'zzz' is not known. Known: cnn-small, cnn-tiny, mlp-300-100, "
            "mlp-small. Or a library's: timm:NAME, torchvision:NAME, keras:NAME, "
            "keras-on-torch:NAME, hf:NAME, "
            "module:NAME. Or write a [network] table with stages.",
        ),
    ),
    (
        {"network": stage("relo")},
        Problem(
            where="network.stages[0].layers[0]",
            message="'relo' is not known.",
            allowed=LAYERS,
            fix="Did you mean 'relu'?",
        ),
    ),
    (
        {"network": stage({"kind": "dense", "units": 0})},
        Problem(
            where="network.stages[0].layers[0].units",
            message="got 0; it must be at least 1.",
        ),
    ),
    (
        {"network": stage("dense")},
        Problem(
            where="network.stages[0].layers[0].units",
            message="is missing.",
            fix="Give a whole number from 1 on.",
        ),
    ),
    (
        {"network": {**stage("relu"), "hed": {}}},
        Problem(
            where="network.hed",
            message="key 'hed' is not known.",
            allowed="Known: head, initialiser, stages.",
            fix="Did you mean 'head'?",
        ),
    ),
    (
        {"network": {"stages": [{"name": "head", "layers": ["relu"]}]}},
        Problem(
            where="network.stages",
            message="a stage is named 'head'; that name is kept for the last stage",
        ),
    ),
    (
        {"network": {"stages": [*TINY_NETWORK["stages"], TINY_NETWORK["stages"][0]]}},
        Problem(
            where="network.stages",
            message="two stages are named 'pool'; every stage needs its own name",
        ),
    ),
    (
        {"training": {"epochs": 1, "updates": 1}},
        Problem(
            where="training",
            message="give either 'epochs' (with 'min_updates') or 'updates', one of them",
        ),
    ),
    (
        {"training": {"updates": 1, "optimiser": {"kind": "adm"}}},
        Problem(
            where="training.optimiser.kind",
            message="'adm' is not known.",
            allowed="Known: adadelta, adam, adamw, rmsprop, sgd.",
            fix="Did you mean 'adam'?",
        ),
    ),
    (
        {"training": {"updates": 1, "optimiser": {"kind": "adam", "lrr": 1}}},
        Problem(
            where="training.optimiser.lrr",
            message="key 'lrr' is not known.",
            allowed="Known: beta1, beta2, decay, defaults, epsilon, epsilon_inside, kind, lr, "
            "momentum, nesterov, weight_decay.",
            fix="Did you mean 'lr'?",
        ),
    ),
    (
        {"training": {"updates": 1, "optimiser": {"kind": "sgd", "beta1": 0.5}}},
        Problem(
            where="training.optimiser",
            message="'beta1' is not a setting of sgd; it takes: lr, momentum, nesterov, "
            "weight_decay",
        ),
    ),
    (
        {"training": {"updates": 1, "schedule": "cosin"}},
        Problem(
            where="training.schedule.kind",
            message="'cosin' is not known.",
            allowed="Known: constant, cosine.",
            fix="Did you mean 'cosine'?",
        ),
    ),
    (
        {"control": "ful"},
        Problem(
            where="control",
            message="arm 'ful' is not known.",
            allowed="Known: full, probe, probe_then_full, random_trunk, scratch.",
            fix="Did you mean 'full'?",
        ),
    ),
    (
        {"arms": ["full"]},
        Problem(where="control", message="arm 'scratch' is not known.", allowed="Known: full."),
    ),
    (
        {"sizes": ["10%", 0.1]},
        Problem(where="sizes", message="'10%' is listed twice.", fix="Remove one."),
    ),
    (
        {"sizes": [20, True]},
        Problem(
            where="sizes[1]",
            message='True is not a size; allowed: a count (50), "5 per class", a fraction '
            '(0.1 or "10%"), or "all"',
        ),
    ),
    (
        {"sizes": [{"kind": "part", "value": 1}]},
        Problem(
            where="sizes[0].kind",
            message="'part' is not known.",
            allowed="Known: all, count, fraction, per_class.",
        ),
    ),
    *(
        (
            {"seeds": number},
            Problem(
                where="seeds",
                message=f"got {number}; give the number of seeds (from 1 to 1000) or a list of "
                "seeds",
            ),
        )
        for number in (0, 1001, 99_999_999_999)
    ),
    (
        {"seeds": 5, "looks": [5, 99_999_999_999]},
        Problem(
            where="looks[1]",
            message="got 99999999999; it must be at most 1000.",
        ),
    ),
    (
        {"seeds": [2, 2]},
        Problem(where="seeds", message="'2' is listed twice.", fix="Remove one."),
    ),
    (
        {"seeds": True},
        Problem(where="seeds", message="got True; it must be a list."),
    ),
    (
        {"margin": 100},
        Problem(where="margin", message="got 100; it must be less than 100."),
    ),
    *(
        (
            {"leaks": {"near": given}},
            Problem(
                where="leaks.near",
                message=f'got {given!r}; give a correlation from 0.9 to 1, or "off"',
            ),
        )
        for given in (0.89, 1.01, float("nan"), "of", "0.95", True)
    ),
    (
        {"training": {"epochs": float("inf")}},
        Problem(where="training.epochs", message="got inf; it must be a finite number."),
    ),
]
