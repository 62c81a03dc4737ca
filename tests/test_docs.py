"""The documentation names every word of the study file, and its links and code are alive."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from headstart.spec import arms, network, sizes, study, tasks, training
from headstart.spec.arms import NAMED_ARMS
from headstart.spec.network import NAMED_NETWORKS
from headstart.spec.study import StudySpec

ROOT = Path(__file__).parent.parent
STUDY_FILE = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def words() -> list[str]:
    """Every key of every spec, and every name a file may use."""
    found = {*NAMED_ARMS, *NAMED_NETWORKS}
    for module in (arms, network, study, tasks, training):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, BaseModel):
                found |= set(thing.model_fields) - {"kind", "value"}
                kind = thing.model_fields.get("kind")
                if kind is not None and isinstance(kind.default, str):
                    found.add(kind.default)
    return sorted(found)


@pytest.mark.parametrize("word", words())
def test_every_word_of_the_study_file_is_documented(word: str) -> None:
    assert re.search(rf"\b{re.escape(word)}\b", STUDY_FILE), f"{word} is not in docs/study-file.md"


def test_sizes_are_documented_as_the_parser_takes_them() -> None:
    for example in (50, "5 per class", 0.1, "10%", "all"):
        assert sizes.parse_size(example)
        assert str(example) in STUDY_FILE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_are_alive(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not link.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}, which is not there"


def test_the_study_file_of_the_readme_is_a_study() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```toml\n(.*?)```", readme, flags=re.DOTALL)
    assert block
    lines = [line for line in block[1].splitlines() if line.strip()]
    assert len(lines) <= 12
    assert StudySpec(**tomllib.loads(block[1])).name == "clothes"
