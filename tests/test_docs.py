"""The documentation names every word of the study file, and its links and code are alive."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from documentation import PAGES, ROOT
from headstart.study import arms, augment, declared, network, sizes, sources, study, tasks, training
from headstart.study.arms import NAMED_ARMS
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.declared import NAMED_NETWORKS

STUDY_FILE = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")


def words() -> list[str]:
    """Every key of every spec, and every name a file may use."""
    found = {*NAMED_ARMS, *NAMED_NETWORKS}
    for module in (arms, augment, declared, network, sources, study, tasks, training):
        for thing in vars(module).values():
            if not isinstance(thing, type) or thing is DatasetFacts:  # which no file says
                continue
            if issubclass(thing, BaseModel):
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


PLACES = {path.name for folder in (ROOT, ROOT / "src" / "headstart") for path in folder.iterdir()}
MADE_BY_RUNNING = {"benchmarks/results/latest.csv"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_pages_name_are_there(page: Path) -> None:
    """From the root of the repository or of the package, as pages speak of them."""
    if page.name == "CHANGELOG.md":  # speaks of what was there at the time
        return
    for named in re.findall(r"`([\w.-]+/[\w./-]*)`", page.read_text(encoding="utf-8")):
        if named.split("/")[0] in PLACES and named not in MADE_BY_RUNNING:
            there = (ROOT / named).exists() or (ROOT / "src" / "headstart" / named).exists()
            assert there, f"{page.name} names {named}, which is not there"


def test_rooms_are_listed_as_the_import_contract_has_them() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = "  ".join(layer.replace(" ", "") for layer in layers if layer != "__main__")
    assert f"\n{rooms}\n" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
