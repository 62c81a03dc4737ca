"""Gates of pretrained sources: loaded tensors, pretraining images, preparation of inputs."""

from collections.abc import Iterator

from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check, named
from headstart.core.hashing import Json
from headstart.study.input_range import expected_range, is_of_other_range, per_channel
from headstart.study.study import Pair


@check("CHK-25-seen", "caveat", "What the checkpoint has seen is searched", could_turn=True)
def _pretraining_images(evidence: Evidence) -> Iterator[Finding]:
    """The images that every checkpoint was pretrained on are given, so that copies are looked
    for."""
    for pair in _pretrained(evidence):
        source = evidence.study.source_of(pair)
        if source.seen is None:
            yield Finding(
                message=f"what '{pair.source}' ({source.checkpoint}) was pretrained on is not "
                f"known: whether test images of '{pair.target}' were among it was not searched.",
                cells=evidence.cells_of_pair(pair.source, pair.target),
            )


@check("CHK-25-loaded", "caveat", "The whole trunk was loaded", could_turn=True)
def _loaded(evidence: Evidence) -> Iterator[Finding]:
    """Every tensor of a pretrained trunk that was loaded comes from its checkpoint."""
    for pair in _pretrained(evidence):
        account = evidence.accounts.get(pair.source)
        if account is not None and account["num_loaded_tensors"] < account["num_tensors"]:
            yield Finding(
                message=f"of the trunk of '{pair.source}' {account['num_loaded_tensors']} of "
                f"{account['num_tensors']} tensors were loaded ({account['share']:.1%} of its "
                f"numbers); the rest starts fresh{_listed(account)}.",
                cells=evidence.cells_of_pair(pair.source, pair.target),
            )


def _listed(account: Json) -> str:
    """Names of the first tensors that were not loaded, by reason."""
    missing = list(account["missing"])
    other = [one["name"] for one in account["other_shape"]]
    parts = [
        f"{what}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
        for what, names in (("missing", missing), ("of another shape", other))
        if names
    ]
    return f" ({'; '.join(parts)})" if parts else ""


@check("CHK-26", "caveat", "Inputs as the checkpoint expects", could_turn=True)
def _inputs(evidence: Evidence) -> Iterator[Finding]:
    """Every pretrained network was given inputs prepared as it says, in a range within a factor of
    four of what it was trained on."""
    for pair in _pretrained(evidence):
        network = evidence.study.network_of(pair)
        cells = evidence.cells_of_pair(pair.source, pair.target)
        wanted = evidence.facts.wanted(network)
        if wanted is None:
            yield Finding(
                message=f"{network} does not say how its images are to be prepared: a wrong scale "
                "or order of channels would go unnoticed.",
                cells=cells,
            )
            continue
        low, high = expected_range(wanted)
        wrong = {
            cell: (inputs["min"], inputs["max"])
            for cell, record in evidence.each()
            if cell in cells and record.train_rows
            for inputs in (record.train_rows[0].result["inputs"],)
            if is_of_other_range((inputs["min"], inputs["max"]), (low, high))
        }
        given = evidence.study.preprocessing.standardise not in ("auto", "network")
        if wrong or given:
            ends = next(iter(wrong.values()), None)
            state = f"were given {ends[0]:g} to {ends[1]:g}" if ends else "are prepared otherwise"
            yield Finding(
                message=f"{network} was trained on inputs from {low:.3g} to {high:.3g} (mean "
                f"{per_channel(wanted.mean)}, deviation {per_channel(wanted.deviation)}); "
                f"{named(wrong or cells)} {state}.",
                cells=frozenset(wrong) or cells,
            )


def _pretrained(evidence: Evidence) -> Iterator[Pair]:
    for pair in evidence.study.pairs:
        if evidence.study.source_of(pair).pretrained is not None:
            yield pair


GATES: tuple[GateSpec, ...] = (_loaded, _pretraining_images, _inputs)
