"""Commands that search for copies run on one thread, unless the user wants more."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RUN = """
import os, sys
from headstart.cli import main
try:
    main()
finally:
    print("numpy" in sys.modules, os.environ["OMP_NUM_THREADS"], file=sys.stderr)
"""


@pytest.mark.parametrize(("chosen", "used"), [({}, "1"), ({"OMP_NUM_THREADS": "3"}, "3")])
@pytest.mark.parametrize("command", [("leaks", "a", "b"), ("data", "show", ".")], ids=" ".join)
def test_a_search_for_copies_runs_on_one_thread_unless_the_user_wants_more(
    command: tuple[str, ...], tmp_path: Path, chosen: dict[str, str], used: str
) -> None:
    draw = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for at in range(3):
            pixels = draw.integers(0, 256, (20, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{at}.png")
    environment = {key: text for key, text in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *command],
        env=environment | chosen,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith(f"True {used}\n")
