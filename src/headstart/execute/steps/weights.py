"""Weights of finished steps: what each step stored, on top of what it started from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from headstart.core.errors import StoreDamaged
from headstart.core.hashing import Json, digest_of
from headstart.core.lru import SizedLRU
from headstart.core.seeds import generator
from headstart.networks.build import fresh_weights
from headstart.networks.facts import Architecture, facts_of
from headstart.networks.weights import Weights, has_changed
from headstart.plan.payload_types import PredictPayload, StartRulePayload, TrainPayload
from headstart.store.reading import StepReader, StepRow
from headstart.study.frozen import frozen_prefix
from headstart.study.network import AnyNetwork
from headstart.study.network_files import network_from
from headstart.study.phases import Phase
from headstart.train.checkpoints import Best, Keep, choose

CACHED_BYTES = 512_000_000

_cache: SizedLRU[Weights] = SizedLRU(
    CACHED_BYTES, lambda weights: sum(array.nbytes for array in weights.values())
)


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """Weights as steps stored them; `files` says where files lie that networks are made of."""

    steps: StepReader
    files: Mapping[str, str]

    def network(self, payload: Json) -> AnyNetwork:
        """The network that the payload of a network names."""
        return network_from(payload, self.files)

    def architecture(
        self, payload: TrainPayload | PredictPayload, image: Sequence[int]
    ) -> Architecture:
        """The network of a training payload, for its images and classes."""
        classes = len(payload["data"]["groups"])
        return self.network(payload["network"]), tuple(image), classes

    def finished(self, keys: Sequence[str], keep: Keep) -> tuple[Weights, Json]:
        """The weights that count of a training made of these steps, and where they were found."""
        rows = self.steps.rows(keys)
        bests = [rows[key].result.get("best") for key in keys]
        chosen = choose([Best(update=b[0], accuracy=b[1]) if b else None for b in bests], keep)
        row, best = rows[keys[chosen.phase]], bests[chosen.phase]
        measured = best if chosen.which == "best" else _last_measured(row.result)
        facts: Json = {"phase": chosen.phase, "which": chosen.which}
        if measured:
            facts |= {"update": measured[0], "validation_accuracy": measured[1]}
        return self.of(row, chosen.which), facts

    def frozen_prefix(self, keys: Sequence[str], of: Architecture) -> int:
        """How many blocks from the stem the training made of these steps left as they were."""
        phases = (Phase.model_validate(self.steps.recipe(key).payload["phase"]) for key in keys)
        return min(frozen_prefix(facts_of(*of), phase) for phase in phases)

    def of(self, row: StepRow, which: Keep) -> Weights:
        """Last or best weights of a step; the arrays are shared and must not be changed.

        Raises:
            StoreDamaged: what the step did not store cannot be made again as it was.
        """

        def read() -> Weights:
            own = _stored(self.steps, row, which)
            if not row.result.get("rest"):
                return own
            recipe = self.steps.recipe(row.key)
            payload = cast(TrainPayload, recipe.payload)
            architecture = self.architecture(payload, row.result["image"])
            start = self.start(payload, recipe.inputs, architecture)
            _check_rest(row, start, own)
            return {name: own.get(name, array) for name, array in start.items()}

        return _cache.get((row.key, row.blob.sha256, which), read)

    def start(self, payload: TrainPayload, inputs: Sequence[str], of: Architecture) -> Weights:
        """First weights: of the phase before, or fresh ones with the start's rules applied."""
        if payload["start"] == "continue":
            return self.of(self.steps.rows(inputs[:1])[inputs[0]], "last")
        weights = dict(fresh(of, payload["seed"], payload["role"]))
        for rule in payload["start"]:
            weights |= self.ruled(rule, inputs, of, payload["seed"])
        return weights

    def ruled(
        self, rule: StartRulePayload, inputs: Sequence[str], of: Architecture, seed: int
    ) -> Weights:
        """What a rule gives some stages: drawn as another role draws them, or from steps."""
        stages = facts_of(*of).stage_of
        if "role" in rule:
            given = fresh(of, seed, rule["role"])
        else:
            given, _ = self.finished([inputs[number] for number in rule["inputs"]], rule["keep"])
        taken = {n: array for n, array in given.items() if stages.get(n) in rule["stages"]}
        return _shuffled(taken, seed) if rule.get("transform") == "shuffled" else taken


def fresh(of: Architecture, seed: int, role: str) -> Weights:
    """First weights of a network; the arrays are shared and must not be changed."""
    return _cache.get((*of, seed, role), lambda: fresh_weights(*of, seed, role))


def start_facts(weights: Weights, drawn: Weights, stages: Mapping[str, str]) -> Json:
    """Which stages hold fresh weights and which do not, as found and not as planned."""
    moved = {stages[name] for name, array in weights.items() if has_changed(drawn[name], array)}
    holding = dict.fromkeys(stages[name] for name in weights)
    return {
        "fresh": [stage for stage in holding if stage not in moved],
        "taken": [stage for stage in holding if stage in moved],
    }


def _stored(steps: StepReader, row: StepRow, which: Keep) -> Weights:
    """Name of stored weights: best weights that equal the last are stored once, as the last."""
    arrays = steps.arrays_of(row)
    prefix = f"{which}/"
    if not any(name.startswith(prefix) for name in arrays):
        prefix = "last/"
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _check_rest(row: StepRow, start: Weights, own: Weights) -> None:
    rest = [name for name in start if name not in own]
    if digest_of(start, rest) != row.result["frozen_after"]:
        raise StoreDamaged(
            f"step {row.key[:12]} holds what it trained; the rest it started from can no longer "
            "be made as it was, for the library that draws first weights is another one "
            f"(it was {row.environment}). Run it in a new store (--store DIR)."
        )


def _last_measured(result: Json) -> tuple[int, float] | None:
    curve = result.get("curve")
    return (curve[-1][0], curve[-1][3]) if curve else None


def _shuffled(weights: Weights, seed: int) -> Weights:
    """The same numbers in each tensor, in a random order."""
    return {
        name: generator(seed, "shuffle", name).permutation(array.ravel()).reshape(array.shape)
        for name, array in weights.items()
    }
