"""Every snippet of docs/own-loop.md runs as it stands."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "own-loop.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_snippets_run(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snippet = SNIPPETS[number]
    if "import keras" in snippet:
        if find_spec("keras") is None:
            pytest.skip("Keras is not installed")
        os.environ.setdefault("KERAS_BACKEND", "torch")
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, f"{PAGE.name}, snippet {number}", "exec"), {})


def test_each_check_has_a_snippet_for_both() -> None:
    for call in ("frozen", "transferred", "same_start", "moved", "inputs"):
        using = [snippet for snippet in SNIPPETS if f"hs.{call}(" in snippet]
        assert {"import keras" in snippet for snippet in using} == {True, False}, call
    assert any("hs.overlap(" in snippet for snippet in SNIPPETS)


def test_snippets_are_short() -> None:
    for snippet in SNIPPETS:
        assert len(snippet.splitlines()) <= 12
        assert max(map(len, snippet.splitlines())) <= 100
