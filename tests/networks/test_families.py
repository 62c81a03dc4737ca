"""Families of timm's networks: the contract at 64 pixels, and the page that lists exceptions."""

from pathlib import Path

import pytest
import torch
from adapter_contract import AdapterContract
from families import CLASSES, EXCEPTIONS, FAMILIES, FLOPS_ERROR, SIDES, Exceptions, table

from headstart.core.errors import NetworkError
from headstart.networks.inspect import shape_map
from headstart.networks.libraries.facts import facts_for
from headstart.networks.libraries.timm_networks import ADAPTER
from headstart.study.base import HEAD

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


def test_the_page_lists_the_exceptions() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")
    assert set(EXCEPTIONS) <= set(FAMILIES)


# 27 minutes for all on two busy cores.
@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_keeps_the_contract(name: str) -> None:
    side = SIDES.get(name, 64)
    expected = EXCEPTIONS.get(name, Exceptions())
    contract = type(
        "Contract",
        (AdapterContract,),
        {
            "kind": "timm",
            "name": name,
            "image": (side, side, 3),
            "entire": dict.fromkeys(expected.entire, expected.entire_why),
            "flops_error": FLOPS_ERROR.get(name, 0.0),
            "unmoved": dict.fromkeys(expected.unmoved, "not used"),
        },
    )()
    facts = facts_for("timm", name, contract.image, contract.classes)
    assert bool(facts.linear_head) == (not expected.head_why)
    contract.test_every_tensor_has_one_stage(facts, contract.built(facts))
    contract.test_stages_are_in_order_and_end_with_the_head(facts)
    contract.test_the_whole_is_the_library_s_network(contract.built(facts))
    contract.test_a_pass_resumes_at_every_cut(facts, contract.built(facts))
    contract.test_flops_are_those_of_pytorch_s_counter(facts)
    contract.test_a_cut_depends_on_the_stages_before_it_alone(facts, contract.built(facts))
    contract.check_frozen(contract.built(facts), len(facts.blocks) // 2)
    contract.test_an_update_moves_what_is_trained(facts, contract.built(facts))


# Shapes alone, so no weights are drawn: 13 minutes for all on two busy cores.
@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_has_stages_and_a_head(name: str) -> None:
    config = ADAPTER.input_facts(name)
    assert config is not None
    image = (*config.size, config.channels)
    with torch.device("meta"):
        module = ADAPTER.build(name, image, 5)
    if name.endswith("_enc"):
        with pytest.raises(NetworkError, match="has no head: it gives features and no classes"):
            shape_map(name, ADAPTER, module, config, image, 5)
        return
    facts = shape_map(name, ADAPTER, module, config, image, 5)[0].facts
    listed = [tensor for block in facts.blocks for tensor in block.tensors]
    assert sorted(listed) == sorted(module.state_dict())
    assert facts.stage_names[-1] == HEAD
    assert 3 <= len(facts.stage_names) <= 7
    assert all(block.parameters for block in facts.blocks)
