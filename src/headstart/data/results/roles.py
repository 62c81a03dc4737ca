"""Roles of the columns of a results table, known by the names that common tools give them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from headstart.core.errors import Problem, nearest
from headstart.core.names import in_a_row, quoted

Role = Literal[
    "arm", "seed", "fold", "size", "image", "label", "answer", "group", "accuracy", "n",
    "validation_accuracy", "updates", "learning_rate", "trainable_parameters", "seconds",
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)
NUMBERS: frozenset[Role] = frozenset({
    "accuracy", "n", "validation_accuracy", "updates", "learning_rate", "trainable_parameters",
    "seconds",
})  # fmt: skip
"""Roles whose cells are numbers; those of the others are names."""

_ALIASES: dict[Role, str] = {
    "arm": "arm method model config configuration variant strategy approach algorithm network "
    "estimator classifier experiment condition params",
    "seed": "seed random_seed random_state run run_id trial repeat repetition replicate",
    "fold": "fold cv_fold fold_id cv_split",
    "size": "size train_size n_train num_train num_train_images labelled_images n_labels",
    "image": "image path image_path filename file_name file filepath image_id id index idx sample "
    "sample_id example example_id row_id",
    "label": "label labels target targets y_true actual true truth true_label ground_truth gt "
    "label_ids label_id true_class y class",
    "answer": "answer answers y_pred prediction predictions predicted pred preds predicted_label "
    "predicted_class pred_label",
    "group": "group groups patient patient_id subject subject_id site video video_id",
    "accuracy": "accuracy test_accuracy test_acc acc predict_accuracy eval_accuracy "
    "sparse_categorical_accuracy categorical_accuracy test_score score top1 top1_acc acc1",
    "n": "n n_test num_test test_n test_images num_images n_samples num_samples support "
    "predict_samples test_samples eval_samples",
    "validation_accuracy": "validation_accuracy val_accuracy val_acc valid_accuracy valid_acc "
    "best_metric",
    "updates": "updates steps global_step train_steps num_steps iterations",
    "learning_rate": "learning_rate lr initial_lr",
    "trainable_parameters": "trainable_parameters trainable_params num_trainable_parameters",
    "seconds": "seconds train_seconds train_runtime fit_time train_time duration",
}
_PROBABILITY = re.compile(r"(?:p|prob|proba|probability)[_ ](.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Names of columns by role, and those of probabilities by class; `unused` are the others."""

    columns: Mapping[Role, str]
    probabilities: Mapping[str, str]
    unused: tuple[str, ...]

    @property
    def answered(self) -> bool:
        """Whether there is an answer to each test image, and not a score for each run."""
        return "label" in self.columns and ("answer" in self.columns or bool(self.probabilities))

    @property
    def sentence(self) -> str:
        """What every column is taken for."""
        taken = [
            role if name == role else f"{role} = '{name}'" for role, name in self.columns.items()
        ]
        if self.probabilities:
            taken.append(f"probabilities of {in_a_row(quoted(self.probabilities))}")
        others = f"; not used: {in_a_row(quoted(self.unused))}" if self.unused else ""
        return f"columns taken as {', '.join(taken)}{others}"


def roles_of(names: Sequence[str], given: Mapping[Role, str], known: Mapping[Role, str]) -> Roles:
    """Role of every column: as given, or by its name.

    Args:
        names: of the columns.
        given: names of columns by role, as the user has said.
        known: roles that no column need have, for the path of the file says them.
    """
    free = {_plain(name): name for name in reversed(names) if name not in given.values()}
    columns: dict[Role, str] = {}
    for role in ROLES:
        if role in given:  # an empty name: no column is this
            columns |= {role: given[role]} if given[role] else {}
        elif role not in known:
            found = next((free[one] for one in _ALIASES[role].split() if one in free), None)
            if found is not None:
                columns[role] = found
                free = {plain: name for plain, name in free.items() if name != found}
    if "answer" in columns and "label" in columns:  # a score beside answers is counted again
        for role in ("accuracy", "n"):
            columns.pop(role, None)
    taken = set(columns.values())
    probabilities = {
        match[1]: name
        for name in names
        if name not in taken and (match := _PROBABILITY.fullmatch(name.strip()))
    }
    unused = [n for n in names if n not in taken and n not in probabilities.values()]
    return Roles(columns=columns, probabilities=probabilities, unused=tuple(unused))


def _plain(name: str) -> str:
    """A name in lower case, with an underscore for everything that joins words."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def role_problems(
    roles: Roles, names: Sequence[str], given: Mapping[Role, str], known: Mapping[Role, str]
) -> list[Problem]:
    """What keeps a table from being judged: columns that are named and not there, or missing."""
    found = f"Found: {in_a_row(quoted(names))}."
    problems = [
        Problem(
            where=f"--column {role}={name}",
            message=f"there is no column '{name}'.",
            allowed=found,
            fix=nearest(name, names),
        )
        for role, name in given.items()
        if name and name not in names
    ]
    needed: list[Role] = ["arm"]
    if not roles.answered and "accuracy" not in roles.columns:
        needed += [role for role in ("label", "answer") if role not in roles.columns]
    for role in needed:
        if role not in roles.columns and role not in known:
            problems.append(_missing(role, roles, names, found))
    return problems


def _missing(role: Role, roles: Roles, names: Sequence[str], found: str) -> Problem:
    aliases = _ALIASES[role].split()
    close = [name for name in roles.unused if nearest(_plain(name), aliases)]
    what = {
        "arm": "what was compared, such as a method or a model",
        "label": "the true class of each test image (or, for a table with a row for each run, a "
        "column 'accuracy')",
        "answer": "the class that was predicted (or probabilities, p_CLASS for each class)",
    }[role]
    guess = f"Is it '{close[0]}'? " if close else ""
    return Problem(
        where="",
        message=f"no column is known to be the {role}: {what}.",
        allowed=f"{found} Known names: {in_a_row(quoted(aliases))}.",
        fix=f"{guess}Name it: --column {role}=NAME.",
    )
