"""The public names are those listed, sorted, each documented, and loaded when first used."""

import subprocess
import sys

import pytest

import headstart


def test_the_list_is_sorted_and_complete() -> None:
    assert headstart.__all__ == sorted(headstart.__all__)
    assert dir(headstart) == headstart.__all__


@pytest.mark.parametrize("name", headstart.__all__)
def test_every_name_is_there_and_says_what_it_is_for(name: str) -> None:
    thing = getattr(headstart, name)
    assert name == "__version__" or thing.__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'headstart' has no attribute 'nothing'"):
        _ = headstart.nothing


def test_importing_headstart_loads_nothing_heavy() -> None:
    code = (
        "import sys, headstart; "
        "print([m for m in ('torch', 'numpy', 'pydantic', 'scipy', 'rich') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_study_runs_from_python(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("python") / "store"
    study = headstart.load("digits", arms=["scratch", "full"], sizes=[20], seeds=1)
    short = study.model_copy(
        update={"training": study.training.model_copy(update={"epochs": 0.01, "min_updates": 2})}
    )
    analysis = short.run(str(folder), workers=1)
    assert [result.arm for result in analysis.arms] == ["scratch", "full"]
    assert analysis.comparisons[0].verdict == "not enough evidence"
