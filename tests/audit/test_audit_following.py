"""The interpreter follows any program to its end, or says that it did not."""

from pathlib import Path
from time import process_time

import pytest
from cases import CLEAN, MENDED, SLIPS
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.audit.audit import audit_file
from headstart.audit.program.samples import Data, overlap, smaller, within
from headstart.audit.rules.weight_rules import clone_without_weights
from headstart.core.errors import DataError

LINES = [
    line for case in (*CLEAN, *MENDED, *SLIPS) for line in case.read_text("utf-8").splitlines()
]
PROGRAMS = [case.read_text("utf-8").splitlines() for case in (*CLEAN, *MENDED, *SLIPS)]


@settings(deadline=None, max_examples=60)
@given(
    program=st.sampled_from(PROGRAMS),
    changes=st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from(["", *LINES])), min_size=1, max_size=5
    ),
)
def test_no_program_breaks_it(
    tmp_path_factory: pytest.TempPathFactory, program: list[str], changes: list[tuple[int, str]]
) -> None:
    lines = list(program)
    for position, line in changes:
        lines[position % len(lines)] = line
    path = tmp_path_factory.mktemp("programs") / "script.py"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        audit = audit_file(path)
    except DataError:
        return
    for finding in audit.findings:
        assert 1 <= finding.found.place.line <= len(lines)


@pytest.mark.parametrize(
    "code",
    [
        "a = z\n" + "a = [a, a]\n" * 60 + "b = {k: a for k in a}\n",
        "a = z\n" + "a = Thing(a, a)\n" * 60,
        "a = z\n" + "a = a + a\n" * 60 + "a()\n",
        "import numpy as np\nx = np.load('x.npy')\n" + "x = x[x > x.mean()]\n" * 60,
        "d = 99999\n" + "d = d * d\n" * 60,
        "a = [1]\n" + "a = a + a\n" * 60,
        "a = [1]\n" + "a += a\n" * 60,
        "a = [1]\n" + "a = [*a, *a]\n" * 60,
        "a = 'x'\n" + "a = f'{a}{a}'\n" * 60,
        "import copy\nfrom torch import nn\na = nn.Sequential(nn.ReLU())\n"
        + "a = nn.Sequential(a, copy.deepcopy(a))\n" * 60,
        "def f(x):\n    return f(f(x))\nf(1)\n",
        "class A:\n    def __init__(self):\n        self.a = A()\nA()\n",
        "while True:\n    pass\n",
        "net = net.fit\nnet.net = net\nnet(net)(net)[net].net\n",
    ],
)
def test_what_grows_without_end_is_followed_quickly(tmp_path: Path, code: str) -> None:
    path = tmp_path / "script.py"
    path.write_text(code, encoding="utf-8")
    assert audit_file(path).findings == ()


def test_a_program_that_is_too_long_says_so(tmp_path: Path) -> None:
    names = ", ".join(["a"] * 11)
    loops = "".join(f"{'  ' * depth}for i{depth} in ({names}):\n" for depth in range(7))
    path = tmp_path / "script.py"
    path.write_text(f"{loops}{'  ' * 7}print(i0)\n", encoding="utf-8")
    assert any("too long" in unseen.why for unseen in audit_file(path).unseen)


WHOLE = Data(paths=frozenset({(("origin", "mnist"), ("part", "train"))}))


def test_overlaps_are_those_that_are_certain() -> None:
    first, rest = WHOLE.selected(("slice", None, 9)), WHOLE.selected(("slice", 9, None))
    assert overlap(WHOLE, first)
    assert within(first, WHOLE)
    assert smaller(first, WHOLE)
    assert not smaller(WHOLE, WHOLE)
    assert not overlap(first, rest)
    assert not within(WHOLE, first)


@pytest.mark.parametrize(
    "imported",
    [
        "from tensorflow import keras",
        "import tensorflow as tf\nkeras = tf.compat.v1.keras",
        "import tensorflow.compat.v1 as tf\nkeras = tf.keras",
        "import keras.src\nkeras = keras.src",
    ],
)
def test_keras_is_known_by_every_name_of_its_package(tmp_path: Path, imported: str) -> None:
    path = tmp_path / "script.py"
    code = "(x, y), _ = keras.datasets.mnist.load_data()\nnet = keras.applications.VGG16()\n"
    path.write_text(f"{imported}\n{code}net.fit(x, y)\nnet.evaluate(x, y)\n", encoding="utf-8")
    assert [finding.rule.id for finding in audit_file(path).slips] == ["trained-on-test"]


def test_a_slice_that_python_refuses_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    code = "from torch import nn\nnet = nn.Sequential(nn.ReLU())\nhead = net[::0]\na = [1][::0]\n"
    path.write_text(code, encoding="utf-8")
    assert audit_file(path).findings == ()


def test_many_trainings_are_compared_quickly(tmp_path: Path) -> None:
    code = (
        "from tensorflow import keras\n(x, y), (x_new, y_new) = keras.datasets.mnist.load_data()\n"
        "x, x_new = x / 255.0, x_new / 255.0\nbase = keras.Sequential([keras.layers.Dense(9)])\n"
        "base.fit(x[y < 5], y[y < 5])\n"
        f"for a in {list('abcdefghij')}:\n    for b in {list('abcdefghij')}:\n"
        "        net = keras.Sequential([*base.layers, keras.layers.Dense(5)])\n"
        "        net.fit(x[y > 4], y[y > 4])\n        net.evaluate(x_new, y_new)\n"
    )
    path = tmp_path / "script.py"
    path.write_text(code, encoding="utf-8")
    began = process_time()
    assert audit_file(path).trainings == 101
    assert process_time() - began < 3  # each rule lists the transfers once: 0.3 s


def test_headstarts_own_checks_leave_a_network_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    program = clone_without_weights.example
    checked = "import headstart as hs\n" + program.replace(
        "copy.pop()",
        "print(hs.transferred(copy, net))\nwith hs.frozen(copy):\n    pass\ncopy.pop()",
    )
    path.write_text(checked, encoding="utf-8")
    audit = audit_file(path)
    assert "clone-without-weights" in {finding.rule.id for finding in audit.findings}
    assert not any("headstart" in unseen.why for unseen in audit.unseen)
