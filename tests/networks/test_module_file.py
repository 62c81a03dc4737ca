"""Networks of the user's own: the contract, stages by name, dropout, refusals."""

import os
import sys
from pathlib import Path
from textwrap import dedent
from typing import ClassVar

import numpy as np
import pytest
import torch
from adapter_contract import AdapterContract

from headstart.core.errors import NetworkError
from headstart.networks.inspect import inspect
from headstart.networks.libraries.build import build_module, fresh_weights
from headstart.networks.libraries.facts import facts_for
from headstart.networks.libraries.module import LibraryModule

HEADER = """
from torch import nn
from torch.nn import functional
import torch
"""

ROW = """
def net(num_classes, image):
    return nn.Sequential(
        nn.Conv2d(image[2], 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3), nn.ReLU(inplace=True), nn.Dropout(0.25),
        nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, num_classes),
    )
"""

STAGES = """
class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.body = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)])
        self.norm = nn.GroupNorm(2, 4)
        self.table = nn.Parameter(torch.ones(4, 1, 1), requires_grad=False)
        self.fc = nn.Linear(4, num_classes)

    def stages(self):
        return {"eyes": ["body.0", "norm"], "brain": "body.2"}

    def forward(self, x):
        x = functional.relu(self.norm(self.body[0](x))) * self.table
        x = self.body[2](self.body[1](x).relu_())
        return self.fc(x.mean((2, 3)))

def net(num_classes):
    return Net(num_classes)
"""

SKIP = """
class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.conv3 = nn.Conv2d(4, 4, 3, padding=1)
        self.conv4 = nn.Conv2d(4, 4, 3, padding=1)
        self.fc = nn.Linear(4, num_classes)

    def forward(self, x):
        first = self.conv1(x)
        second = self.conv2(first).relu_()
        third = self.conv3(second) + first
        third = functional.dropout(third, 0.5, self.training)
        return self.fc(self.conv4(third).mean((2, 3)))

def net(num_classes):
    return Net(num_classes)
"""


class Written(AdapterContract):
    """The contract for a source that the test writes to a file."""

    kind = "module"
    source: str

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        type(self).name = written(tmp_path, self.source)


def written(folder: Path, source: str) -> str:
    """The name of a network whose file holds a source."""
    (folder / "net.py").write_text(HEADER + dedent(source))
    return f"{folder / 'net.py'}:net"


class TestRow(Written):
    source = ROW
    image = (16, 16, 1)


class TestNamedStages(Written):
    source = STAGES


class TestSkipConnection(Written):
    source = SKIP
    entire: ClassVar = dict.fromkeys(("stage1", "stage2"), "the first layer's output is added")


def test_children_end_stages(tmp_path: Path) -> None:
    facts = facts_for("module", written(tmp_path, ROW), (16, 16, 1), 5)
    assert facts.stage_names == ("stem", "stage1", "stage2", "head")
    assert [[p.name for p in block.parameters] for block in facts.blocks[1:3]] == [
        ["4.weight", "4.bias"],
        ["7.weight", "7.bias"],
    ]
    assert facts.blocks[0].shape_out == (7, 7, 4)
    assert facts.blocks[0].buffers == ("1.running_mean", "1.running_var", "1.num_batches_tracked")
    assert [block.dropout for block in facts.blocks] == [False, True, False, False]
    assert facts.input is None


def test_stages_that_the_module_names(tmp_path: Path) -> None:
    facts = facts_for("module", written(tmp_path, STAGES), (16, 16, 3), 5)
    assert facts.stage_names == ("eyes", "brain", "head")
    assert facts.stage_of["norm.weight"] == "eyes"
    assert facts.stage_of["body.1.weight"] == "brain"
    # A tensor that is not trained is a buffer.
    assert "table" in {name for block in facts.blocks for name in block.buffers}
    weights = fresh_weights("module", written(tmp_path, STAGES), (16, 16, 3), 5, 1, "target")
    assert np.array_equal(weights["table"], np.ones((4, 1, 1)))


def test_a_stage_of_an_unknown_module_is_refused(tmp_path: Path) -> None:
    name = written(tmp_path, STAGES.replace('"norm"]', '"nrm"]'))
    with pytest.raises(NetworkError) as error:
        inspect("module", name, (16, 16, 3), 5)
    assert str(error.value) == (
        "stage 'eyes' names module 'nrm', which is not known. "
        "Known: body, body.0, body.1, body.2, fc, norm. Did you mean 'norm'?"
    )


@pytest.mark.parametrize("source", [ROW, SKIP])
def test_dropout_draws_from_the_generator(tmp_path: Path, source: str) -> None:
    image = (16, 16, 3)
    name = written(tmp_path, source)
    facts = facts_for("module", name, image, 5)
    weights = fresh_weights("module", name, image, 5, 1, "target")

    def logits(seed: int) -> torch.Tensor:
        module: LibraryModule = build_module("module", name, image, 5, weights)
        module.set_modes({*facts.stage_names})
        module.draw_from(torch.Generator().manual_seed(seed))
        return module.run(torch.ones(4, 3, 16, 16), 0, len(facts.blocks))

    before = torch.get_rng_state()
    assert torch.equal(logits(1), logits(1))
    assert not torch.equal(logits(1), logits(2))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_file_changed_within_a_second_runs_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's cache of compiled files knows them by size and second."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    name = written(tmp_path, ROW)
    file = Path(name.rpartition(":")[0])
    state = file.stat()
    before = facts_for("module", name, (16, 16, 3), 5)
    file.write_text(file.read_text().replace("Conv2d(6, 8, 3)", "Conv2d(6, 8, 1)"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    after = facts_for("module", name, (16, 16, 3), 5)
    assert after.num_parameters == before.num_parameters - 6 * 8 * (9 - 1)
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_changed_file_is_another_network(tmp_path: Path) -> None:
    before = facts_for("module", written(tmp_path, ROW), (16, 16, 3), 5)
    after = facts_for(
        "module",
        written(
            tmp_path, ROW.replace("Conv2d(6, 8", "Conv2d(6, 7").replace("Linear(8", "Linear(7")
        ),
        (16, 16, 3),
        5,
    )
    assert before.num_parameters != after.num_parameters


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def nets(num_classes): ...", "has no function 'net'. Known: nets. Did you mean 'nets'?"),
        ("net = 3", "has no function 'net'. Known:"),
        ("def net(num_classes): return 3", "gives int. Expected a torch.nn.Module."),
        ("def net(num_classes): raise KeyError('x')", "cannot be built: KeyError: 'x'. The"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("def net(num_classes): return nn.Flatten()", "has no head: it gives features"),
        (
            "def net(num_classes): return nn.Sequential(nn.Conv2d(3, num_classes, 3))",
            "gives (2, 5, 14, 14) for 2 images and 5 classes. Expected (2, 5), one logit a class.",
        ),
        (
            "def net(num_classes): return nn.Sequential(nn.Flatten(), nn.Linear(7, num_classes))",
            "does not run on images of 16 by 16 with 3 channels:",
        ),
    ],
)
def test_what_is_no_network_is_refused(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(NetworkError) as error:
        inspect("module", written(tmp_path, source), (16, 16, 3), 5)
    assert message in str(error.value)


def test_a_name_without_a_function_or_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="names no function"):
        inspect("module", "net.py", (16, 16, 3), 5)
    with pytest.raises(NetworkError, match="cannot be read: No such file or directory"):
        inspect("module", f"{tmp_path / 'gone.py'}:net", (16, 16, 3), 5)
