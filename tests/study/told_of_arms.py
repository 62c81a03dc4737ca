"""Changes that break the arms of a study, each with the problem that must be told."""

from typing import Any

from told_problems import kinds, listed

from headstart.core.errors import Problem
from headstart.study.arms import NAMED_ARMS, ORIGINS, AnyStrategy, StartRule

NAMES = listed(NAMED_ARMS)
STRATEGIES = kinds(AnyStrategy)
RULE_KEYS = listed(StartRule.model_fields)
CONVERGED = {"kind": "probe", "solver": "converged"}
CIRCLE = "Break the circle: let one of these arms start fresh or from the source."


def arm(**changes: Any) -> list[Any]:
    return ["scratch", {"name": "x", "start": "source", "strategy": "full", **changes}]


WHOLE = {"name": "y", "start": "source", "strategy": "full"}

CASES: list[tuple[dict[str, Any], Problem]] = [
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
]
