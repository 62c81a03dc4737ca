"""The prefix removed is the one that lets most names of the file match the network's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.prefix import find_prefix, without_prefix
from headstart.study.network_facts import Shape

FILE = Path("a.pth")
WANTED: dict[str, Shape] = {
    "stem.weight": (4, 3, 3, 3),
    "layer.0.weight": (8, 4),
    "layer.0.bias": (8,),
    "head.weight": (2, 8),
}
PARTS = ("module", "model", "backbone", "encoder", "_orig_mod", "encoder_q", "layer", "0")
prefixes = st.lists(st.sampled_from(PARTS), max_size=4).map(
    lambda parts: "".join(f"{part}." for part in parts)
)


@given(
    prefix=prefixes,
    others=st.dictionaries(
        st.from_regex(r"[xyz]{1,3}(\.[xyz]){0,2}", fullmatch=True), st.just((1,)), max_size=5
    ),
)
def test_any_prefix_is_found_and_removed(prefix: str, others: dict[str, Shape]) -> None:
    given = {prefix + name: shape for name, shape in WANTED.items()} | others
    assert find_prefix(FILE, given, WANTED) == prefix
    plain = without_prefix(given, prefix)
    assert {name: plain[name] for name in WANTED} == {name: prefix + name for name in WANTED}
    assert set(plain.values()) == set(given)


@given(prefix=prefixes, kept=st.sets(st.sampled_from(sorted(WANTED)), min_size=3))
def test_a_prefix_is_found_where_tensors_are_missing(prefix: str, kept: set[str]) -> None:
    given = {prefix + name: WANTED[name] for name in kept}
    assert find_prefix(FILE, given, WANTED) == prefix


@given(prefix=prefixes.filter(bool))
def test_names_that_lack_the_prefix_stay(prefix: str) -> None:
    trunk = {prefix + name: shape for name, shape in WANTED.items() if name != "head.weight"}
    given = trunk | {"head.weight": (2, 8)}
    assert find_prefix(FILE, given, WANTED) == prefix
    assert without_prefix(given, prefix)["head.weight"] == "head.weight"


def test_no_name_of_the_network_means_no_prefix() -> None:
    assert find_prefix(FILE, {"features.0.weight": (8, 4)}, {"stem.weight": (4, 3)}) == ""


def network(prefix: str, width: int = 8) -> dict[str, Shape]:
    return {prefix + "a.weight": (width, 4), prefix + "a.bias": (width,)}


def test_of_two_networks_the_one_with_equal_shapes_is_taken() -> None:
    given = network("student.", 16) | network("teacher.")
    assert find_prefix(FILE, given, network("")) == "teacher."


def test_of_two_equal_networks_the_running_average_is_taken() -> None:
    given = network("model.") | network("model_ema.module.")
    assert find_prefix(FILE, given, network("")) == "model_ema.module."


def test_of_two_equal_networks_the_one_without_a_prefix_is_taken() -> None:
    given = network("") | network("teacher.")
    assert find_prefix(FILE, given, network("")) == ""


def test_two_equal_networks_are_refused() -> None:
    given = network("encoder_q.") | network("encoder_k.")
    with pytest.raises(CheckpointError) as raised:
        find_prefix(FILE, given, network(""))
    assert str(raised.value) == (
        "a.pth: holds several networks that fit, under the prefixes 'encoder_k.', 'encoder_q.'.\n"
        "     Say which with `prefix`."
    )
