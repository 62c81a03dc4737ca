"""The documentation as a site: every page can be found, and nothing is asked of another machine."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from documentation import ROOT

DOCS = ROOT / "docs"
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")


def test_every_page_is_on_the_landing_page_or_below_the_readme_of_its_folder() -> None:
    listed = set(re.findall(r"^- \[.+?\]\(([\w/-]+\.md)\)", INDEX, re.MULTILINE))
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).as_posix()
        below = page.parent != DOCS and (page.parent / "README.md").exists()
        assert name in {"index.md", *listed} or (below and page.name != "README.md"), name


def test_pages_link_to_pages_of_the_site() -> None:
    """A page outside of docs/ is none of the site; other files are copied into it."""
    outside = {
        f"{page.name} links to {link}"
        for page in DOCS.rglob("*.md")
        for link in re.findall(r"\]\(([^)#:]+\.md)[)#]", page.read_text(encoding="utf-8"))
        if not (page.parent / link).resolve().is_relative_to(DOCS)
    }
    assert outside == set()


@pytest.mark.parametrize(
    ("wanted", "page"),
    [("my own CSV", "judge.md"), ("timm", "networks.md"), ("Slurm", "clusters.md")],
)
def test_what_people_look_for_is_a_title_and_on_the_landing_page(wanted: str, page: str) -> None:
    (line,) = [line for line in INDEX.splitlines() if line.startswith("| ") and wanted in line]
    assert f"]({page})" in line
    title = (DOCS / page).read_text(encoding="utf-8").partition("\n")[0]
    assert wanted.split()[-1] in title


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it."""
    if find_spec("sphinx") is None or find_spec("furo") is None:
        pytest.skip("the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
    ended = subprocess.run([*build, str(DOCS), str(folder)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.slow
def test_no_page_asks_another_machine_for_anything(site: Path) -> None:
    asked = r"""<(?:script|img|iframe|source)[^>]*\ssrc=["'](?:https?:)?//[^"']*|
        <link[^>]*\shref=["'](?:https?:)?//[^"']*"""
    for page in site.rglob("*.html"):
        found = re.findall(asked, page.read_text(encoding="utf-8"), re.VERBOSE)
        assert not found, f"{page.name}: {found}"
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)[\s\"']*(?:https?:)?//", text), style.name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("judge csv", "judge.html"),
        ("timm", "networks.html"),
        ("slurm", "clusters.html"),
        ("frozen", "own-loop.html"),
        ("onnx", "deploy.html"),
    ],
)
def test_search_works_from_a_file(site: Path, query: str, page: str) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs chromium")
    address = f"{(site / 'search.html').as_uri()}?q={query.replace(' ', '+')}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
    ended = subprocess.run(
        [browser, *options, "--dump-dom", address], capture_output=True, text=True, timeout=120
    )
    results = re.findall(r'<li[^>]*><a href="([\w/.-]+\.html)', ended.stdout)
    assert page in results[:5], results[:8]
