"""The code of docs/deploy.md runs, and gives what headstart gives."""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trained import trained

from headstart.flow import open_model
from headstart.model.export.export import export_model
from headstart.model.opened import OpenedModel
from headstart.model.predictor import Predictor
from photos import photo_folder, photo_study

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["crop", "pad"])
def opened(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> OpenedModel:
    """A model whose images are cropped, as those of pretrained networks are, or padded."""
    photos = photo_folder(tmp_path_factory.mktemp("photos"))
    study = photo_study(photos)
    way = {"size": (16, 16), "colour": "rgb", "fit": request.param, "interpolation": "bicubic"}
    image = study.tasks["target"].image.model_copy(update=way)
    tasks = {name: task.model_copy(update={"image": image}) for name, task in study.tasks.items()}
    folder = trained(study.model_copy(update={"tasks": tasks}), photos.parent / "store")
    return open_model(folder, "photos")


@pytest.fixture
def folder(opened: OpenedModel, tmp_path: Path) -> Path:
    """A folder with the exported model and a photo."""
    export_model(opened, tmp_path / "model.onnx")
    draw = np.random.default_rng(5)
    coarse = Image.fromarray(draw.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    coarse.resize((64, 47), Image.Resampling.BICUBIC).save(tmp_path / "photo.jpg")
    return tmp_path


def expected(opened: OpenedModel, folder: Path) -> dict[str, float]:
    (found,) = Predictor(opened.model, "cpu").predict(folder / "photo.jpg")
    return found.probabilities


def test_the_lines_of_python(opened: OpenedModel, folder: Path) -> None:
    block = re.search(r"```python\n(import json.*?)```", PAGE, flags=re.DOTALL)
    assert block
    code = block[1]
    if opened.model.decoding.fit == "pad":
        padding = re.search(r"```python\n(ratio = .*?)```", PAGE, flags=re.DOTALL)
        assert padding
        first, last = code.index("wide, high ="), code.index("(probabilities,) =")
        code = code[:first] + padding[1] + code[last:]
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    found = eval(ended.stdout)
    assert found == pytest.approx(expected(opened, folder), abs=1e-6)


@pytest.mark.slow
def test_the_page_in_a_browser(opened: OpenedModel, folder: Path) -> None:
    browser, npm = shutil.which("chromium"), shutil.which("npm")
    if browser is None or npm is None:
        pytest.skip("needs chromium and npm")
    installed = subprocess.run([npm, "install", "onnxruntime-web"], cwd=folder, capture_output=True)
    if installed.returncode:
        pytest.skip("onnxruntime-web cannot be installed here")
    shutil.copy(ROOT / "examples" / "browser.html", folder)
    with served(folder) as address:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000"]
        ended = subprocess.run(
            [browser, *options, "--dump-dom", f"{address}/browser.html?photo=photo.jpg"],
            capture_output=True,
            text=True,
            timeout=120,
        )
    answer = re.search(r'<pre id="answer">(\{.*?\})</pre>', ended.stdout, flags=re.DOTALL)
    assert answer, ended.stdout[:500]
    # One level of one pixel, where the rounding of Pillow's whole numbers is another, is 2e-5.
    assert eval(answer[1]) == pytest.approx(expected(opened, folder), abs=1e-4)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server for a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
