"""Changes that break a study, each with the problem that must be told."""

from collections.abc import Iterable
from typing import Any, get_args

from headstart.core.errors import Problem
from headstart.spec.arms import NAMED_ARMS, ORIGINS, AnyStrategy, StartRule
from headstart.spec.network import AnyLayer
from headstart.spec.study import StudySpec
from studies import TINY_NETWORK


def listed(names: Iterable[str]) -> str:
    return f"Known: {', '.join(sorted(names))}."


def kinds(union: Any) -> str:
    return listed(member.model_fields["kind"].default for member in get_args(union))


SECTIONS = listed(StudySpec.model_fields)
LAYERS = kinds(AnyLayer)
STRATEGIES = kinds(AnyStrategy)
NAMES = listed(NAMED_ARMS)
RULE_KEYS = listed(StartRule.model_fields)
CONVERGED = {"kind": "probe", "solver": "converged"}
CIRCLE = "Break the circle: let one of these arms start fresh or from the source."


def stage(*layers: Any) -> dict[str, Any]:
    return {"stages": [{"name": "one", "layers": layers}]}


def arm(**changes: Any) -> list[Any]:
    return ["scratch", {"name": "x", "start": "source", "strategy": "full", **changes}]


WHOLE = {"name": "y", "start": "source", "strategy": "full"}

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
            "mlp-small. Did you mean 'cnn-tiny'?",
        ),
    ),
    (
        {"network": "zzz"},
        Problem(
            where="network",
            message="network 'zzz' is not known. Known: cnn-small, cnn-tiny, mlp-300-100, "
            "mlp-small. Or write a [network] table with stages.",
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
        {"arms": ["scratch", "prob"]},
        Problem(
            where="arms[1]",
            message=f"arm 'prob' is not known. {NAMES} Did you mean 'probe'?",
        ),
    ),
    (
        {"arms": ["scratch", "xyzzy"]},
        Problem(
            where="arms[1]",
            message=f"arm 'xyzzy' is not known. {NAMES} "
            "Or write a table with name, start and strategy.",
        ),
    ),
    *(
        (
            {"arms": [*arm(), {k: v for k, v in WHOLE.items() if k != key}]},
            Problem(where=f"arms[2].{key}", message="is missing.", allowed=allowed, fix=fix),
        )
        for key, allowed, fix in (
            ("name", "", "Give it a name."),
            (
                "start",
                "",
                "Give 'fresh', 'source', 'self', 'untrained', the name of another arm, "
                "or a table with first, last and origin.",
            ),
            ("strategy", STRATEGIES, ""),
        )
    ),
    (
        {"arms": arm(name="fresh")},
        Problem(
            where="arms[1].name",
            message="'fresh' already names an origin; give the arm another name",
        ),
    ),
    (
        {"arms": arm(name="a,b")},
        Problem(
            where="arms[1].name",
            message="got 'a,b'; it must be a name without ',', '/' and '\\'.",
        ),
    ),
    (
        {"arms": arm(strategy="freze")},
        Problem(
            where="arms[1].strategy",
            message="'freze' is not known.",
            allowed=STRATEGIES,
            fix="Did you mean 'freeze'?",
        ),
    ),
    (
        {"arms": arm(strategy={"kind": "probe", "solver": "convex"})},
        Problem(
            where="arms[1].strategy.solver",
            message="'convex' is not known.",
            allowed="Known: converged, updates.",
            fix="Did you mean 'converged'?",
        ),
    ),
    (
        {"arms": arm(strategy=CONVERGED, frozen="train")},
        Problem(
            where="arms[1].frozen",
            message="is 'train', but a head is solved to convergence on features that stay still.",
            allowed="With solver 'converged': 'eval'.",
            fix="Leave frozen out, or leave solver out of the strategy.",
        ),
    ),
    (
        {"arms": arm(strategy=CONVERGED, compute_of="scratch")},
        Problem(
            where="arms[1].compute_of",
            message="arm 'x' is solved to convergence, so its budget cannot be matched.",
            fix="Leave compute_of out.",
        ),
    ),
    (
        {"arms": ["converged_probe", *arm(compute_of="converged_probe")]},
        Problem(
            where="arms[2].compute_of",
            message="arm 'converged_probe' is solved to convergence, so its budget cannot be "
            "matched.",
            fix="Leave compute_of out.",
        ),
    ),
    (
        {"arms": arm(strategy="freeze")},
        Problem(
            where="arms[1].strategy.cut",
            message="is missing.",
            fix="Name the last stage to be frozen.",
        ),
    ),
    (
        {"arms": arm(strategy={"kind": "freeze", "cut": "dense3"})},
        Problem(
            where="arms[1].strategy.cut",
            message="cut 'dense3' is not known.",
            allowed="Known: dense1, dense2, pool.",
            fix="Did you mean 'dense2'?",
        ),
    ),
    (
        {"arms": arm(strategy={"kind": "freeze", "cut": "head"})},
        Problem(
            where="arms[1].strategy.cut",
            message="cut 'head' is not known.",
            allowed="Known: dense1, dense2, pool.",
        ),
    ),
    (
        {"arms": arm(strategy={"kind": "probe_then_full", "probe_share": 1})},
        Problem(
            where="arms[1].strategy.probe_share",
            message="got 1; it must be less than 1.",
        ),
    ),
    (
        {"arms": arm(start="sorce")},
        Problem(
            where="arms[1].start",
            message="origin 'sorce' is not known.",
            allowed=listed([*ORIGINS, "scratch", "x"]),
            fix="Did you mean 'source'?",
        ),
    ),
    (
        {"arms": arm(start=[{"frst": "pool"}])},
        Problem(
            where="arms[1].start[0].frst",
            message="key 'frst' is not known.",
            allowed=RULE_KEYS,
            fix="Did you mean 'first'?",
        ),
    ),
    (
        {"arms": arm(start={"first": "dence1"})},
        Problem(
            where="arms[1].start[0].first",
            message="stage 'dence1' is not known.",
            allowed="Known: dense1, dense2, head, pool.",
            fix="Did you mean 'dense1'?",
        ),
    ),
    (
        {"arms": arm(start={"first": "dense2", "last": "pool"})},
        Problem(
            where="arms[1].start[0]",
            message="covers no stage: 'dense2' comes after 'pool'.",
            allowed="From stem to head: pool, dense1, dense2, head.",
            fix="A start's 'last' that is left open is the last stage before the head.",
        ),
    ),
    (
        {"arms": arm(start={"first": "head"})},
        Problem(
            where="arms[1].start[0]",
            message="covers no stage: 'head' comes after 'dense2'.",
            allowed="From stem to head: pool, dense1, dense2, head.",
            fix="A start's 'last' that is left open is the last stage before the head.",
        ),
    ),
    (
        {"arms": arm(strategy={"kind": "surgical", "first": "head", "last": "pool"})},
        Problem(
            where="arms[1].strategy",
            message="covers no stage: 'head' comes after 'pool'.",
            allowed="From stem to head: pool, dense1, dense2, head.",
            fix="A start's 'last' that is left open is the last stage before the head.",
        ),
    ),
    (
        {"arms": arm(strategy={"kind": "surgical", "first": "pol", "last": "head"})},
        Problem(
            where="arms[1].strategy.first",
            message="stage 'pol' is not known.",
            allowed="Known: dense1, dense2, head, pool.",
            fix="Did you mean 'pool'?",
        ),
    ),
    (
        {"arms": arm(compute_of="x")},
        Problem(
            where="arms[1].compute_of",
            message="arm 'x' starts, directly or in turn, from itself.",
            fix=CIRCLE,
        ),
    ),
    (
        {"arms": arm(compute_of="scrach")},
        Problem(
            where="arms[1].compute_of",
            message="arm 'scrach' is not known.",
            allowed="Known: scratch, x.",
            fix="Did you mean 'scratch'?",
        ),
    ),
    (
        {"arms": arm(start="x")},
        Problem(
            where="arms[1].start",
            message="arm 'x' starts, directly or in turn, from itself.",
            fix=CIRCLE,
        ),
    ),
    (
        {"arms": ["scratch", "probe", "scratch"]},
        Problem(where="arms", message="'scratch' is listed twice.", fix="Remove one."),
    ),
    (
        {"arms": []},
        Problem(
            where="arms",
            message="got []; it must be a list of at least 1.",
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
