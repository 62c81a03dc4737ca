"""The package: every extra that is named is there, all for users are in `all`; its citation."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headstart.core.version import __version__
from headstart.execute.installation.extras import EXTRAS, required

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = PROJECT["optional-dependencies"]
FOR_WORK_ON_HEADSTART = {"bench", "dev", "docs"}
DECLARED = tuple(
    Requirement(f"{text.partition(';')[0]}; extra == '{extra}'")
    for extra, texts in OPTIONAL.items()
    for text in texts
)
NAMED = re.compile(r"headstart\[([a-z0-9_,]+)\]")
TEXTS = [
    path
    for folder, pattern in (("src", "*"), ("docs", "*.md"), ("examples", "*"), (".", "*.md"))
    for path in sorted((ROOT / folder).rglob(pattern) if folder != "." else ROOT.glob(pattern))
    if path.suffix in {".py", ".md", ".toml", ".sh", ".yaml", ".j2", ".ipynb"}
]


def test_every_extra_that_is_named_anywhere_is_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), extra)
        for path in TEXTS
        for extras in NAMED.findall(path.read_text(encoding="utf-8"))
        for extra in extras.split(",")
    }
    assert len(named) > 20
    assert [one for one in sorted(named) if one[1] not in OPTIONAL] == []


def test_kinds_of_networks_that_need_a_library_name_their_extra() -> None:
    calls = re.compile(r'import_library\(\s*"[\w.]+", "(\w+)"')
    named = {extra for path in TEXTS for extra in calls.findall(path.read_text(encoding="utf-8"))}
    assert {"timm", "torchvision", "hf"} <= named <= set(OPTIONAL)


def test_doctor_and_all_know_every_extra_for_users() -> None:
    users = set(OPTIONAL) - FOR_WORK_ON_HEADSTART - {"all"}
    assert set(EXTRAS) == users
    (all_of_them,) = (Requirement(text) for text in OPTIONAL["all"])
    assert all_of_them.extras == users


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_tests_have_what_an_extra_needs(extra: str) -> None:
    in_dev = {Requirement(text).name for text in OPTIONAL["dev"]}
    needed = {one.name for one in required(DECLARED, extra)}
    assert needed
    assert needed <= in_dev


@pytest.mark.parametrize("extra", [*EXTRAS, "all"])
def test_the_page_on_installing_has_every_extra(extra: str) -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{extra}` \| .+ \| [\d,]+ \|$", page, flags=re.MULTILINE)


def test_the_citation_names_this_version_and_licence() -> None:
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(": ", 1) for line in lines if re.match(r"[\w-]+: \S", line))
    assert facts["cff-version"] == "1.2.0"
    assert facts["version"] == __version__
    assert facts["license"] == PROJECT["license"]
    assert facts["title"] == PROJECT["name"]
