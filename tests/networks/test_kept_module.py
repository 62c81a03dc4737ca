"""Torch modules in memory, and functions that make them: kept for workers, drawn anew."""

import subprocess
import sys
import threading
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.networks.libraries.build import build_module, fresh_weights
from headstart.networks.libraries.kept_module import kept_maker, kept_module, kept_weights
from headstart.networks.libraries.module_file import ADAPTER
from headstart.networks.libraries.pickled_code import as_text, from_text

IMAGE = (8, 8, 1)


class Net(nn.Module):
    """A module as a notebook has it."""

    def __init__(self, num_classes: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
        self.head = nn.Linear(3, num_classes)
        self.register_buffer("table", torch.arange(3.0) + 1, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images."""
        return self.head(self.body(images).mean((2, 3)) * self.table)  # type: ignore[no-any-return]


class Free(Net):
    """One that holds a parameter which its constructor alone can draw."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))


def test_a_module_is_drawn_anew_for_each_seed_and_number_of_classes(tmp_path: Path) -> None:
    given = Net()
    name = kept_module(given, IMAGE, tmp_path)
    first, second = (fresh_weights("module", name, IMAGE, 7, seed, "target") for seed in (0, 1))
    assert first["head.weight"].shape == (7, 3)
    assert (first["body.0.weight"] != second["body.0.weight"]).any()
    limit = 1 / np.sqrt(9)  # as PyTorch draws a convolution of nine inputs
    assert 0 < np.abs(first["body.0.weight"]).max() <= limit
    assert given.head.out_features == 4
    with torch.no_grad():
        module = build_module("module", name, IMAGE, 7, first).eval()
        logits = module(torch.ones(2, 1, 8, 8))
        expected = Net(7).eval()
        expected.load_state_dict({key: torch.from_numpy(one) for key, one in first.items()})
        assert torch.allclose(logits, expected(torch.ones(2, 1, 8, 8)), atol=1e-6)


def test_weights_and_frozen_layers_make_no_other_file(tmp_path: Path) -> None:
    frozen = Net()
    frozen.requires_grad_(False)
    assert kept_module(Net(), IMAGE, tmp_path) == kept_module(frozen, IMAGE, tmp_path)
    assert kept_module(Net(5), IMAGE, tmp_path) != kept_module(Net(), IMAGE, tmp_path)


def test_weights_of_a_module_are_kept_by_content(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    given = Net()
    path = kept_weights(given, tmp_path)
    assert path == kept_weights(given, tmp_path)
    assert (load_file(path)["head.weight"] == given.head.weight.detach().numpy()).all()


def test_a_class_or_a_function_makes_it(tmp_path: Path) -> None:
    def make(num_classes: int, image: tuple[int, int, int]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(image[0] * image[1], num_classes))

    assert fresh_weights("module", kept_maker(Net, tmp_path), IMAGE, 3, 0, "target")[
        "head.weight"
    ].shape == (3, 3)
    made = fresh_weights("module", kept_maker(make, tmp_path), IMAGE, 2, 0, "target")
    assert made["1.weight"].shape == (2, 64)


def test_functions_are_called_by_the_names_of_their_parameters(tmp_path: Path) -> None:
    def make(channels: int = 1, *, image: tuple[int, int, int], num_classes: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(image[0] * channels, num_classes))

    made = fresh_weights("module", kept_maker(make, tmp_path), (8, 1, 1), 2, 0, "target")
    assert made["1.weight"].shape == (2, 8)
    with pytest.raises(NetworkError, match=r"<lambda> cannot be called with a number of classes"):
        kept_maker(lambda: Net(), tmp_path)


def test_a_text_that_is_like_an_id_of_a_class_is_left_as_it_is(tmp_path: Path) -> None:
    def net_with(text: str) -> type[nn.Module]:
        class Local(Net):
            checksum = text

        return Local

    texts = "d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"
    names = [kept_maker(net_with(text), tmp_path) for text in texts]
    made: list[Any] = [ADAPTER.build(name, IMAGE, 3) for name in names]
    assert [module.checksum for module in made] == list(texts)
    assert kept_maker(net_with(texts[0]), tmp_path) == names[0]


def test_sets_are_kept_in_order_and_stay_the_same_set(tmp_path: Path) -> None:
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)  # as sets of texts differ from one process to the next
    assert as_text(one) == as_text(other)
    first, second, frozen = from_text(as_text([one, one, frozenset("ab")]))
    assert first is second
    assert (first, frozen) == (one, {"a", "b"})


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Free(), "parameters that only its constructor can draw anew: scale. .*network=make_net"),
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), "lazy layers"),
        (nn.Sequential(nn.Conv2d(1, 2, 8), nn.Flatten(), nn.BatchNorm1d(2)), "is BatchNorm1d"),
        (nn.Linear(3, 2), "does not run on images of 8 by 8"),
    ],
)
def test_modules_that_cannot_be_drawn_anew(module: nn.Module, said: str, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=said):
        kept_module(module, IMAGE, tmp_path)


def test_what_cannot_be_kept_says_what_to_do(tmp_path: Path) -> None:
    lock = iter([threading.Lock()])

    def make(num_classes: int) -> nn.Module:
        return nn.Linear(num_classes, len(list(lock)))

    with pytest.raises(NetworkError, match=r"cannot be kept for worker processes.*module:net.py"):
        kept_maker(make, tmp_path)


NOTEBOOK = """
    import sys
    from pathlib import Path
    import torch
    from torch import nn
    from headstart.networks.libraries.kept_module import kept_maker, kept_module
    KNOWN = {"one", "two", "three"}
    class Net(nn.Module):
        def __init__(self, num_classes=4):
            super().__init__()
            assert num_classes not in {"few", "many", "all"} | KNOWN
            self.c, self.f = nn.Conv2d(1, 2, 3), nn.Linear(2, num_classes)
        def forward(self, x):
            return self.f(torch.relu(self.c(x)).mean((2, 3)))
    folder = Path(sys.argv[-1])
    print(kept_module(Net(), (8, 8, 1), folder))
    print(kept_maker(lambda num_classes: Net(num_classes), folder))
"""


@pytest.mark.slow  # PyTorch is imported three times
def test_a_notebook_run_again_gives_the_same_files(tmp_path: Path) -> None:
    text = dedent(NOTEBOOK)
    script = tmp_path / "script.py"
    script.write_text(f"# one line further down\n{text}")
    calls = [[str(script)], ["-"], ["-c", text]]
    outputs = [
        subprocess.run(
            [sys.executable, *call, str(tmp_path / "kept")],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for call in calls
    ]
    assert len(set(outputs)) == 1
    of_module, of_maker = outputs[0].split()
    for name in (of_module, of_maker):
        assert fresh_weights("module", name, IMAGE, 3, 0, "target")["f.weight"].shape == (3, 2)
