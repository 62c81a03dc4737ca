"""Build the wheel and the source distribution, and use the wheel as a stranger would.

    python scripts/check_wheel.py [--python PYTHON]

1. The source distribution is built from this folder, the wheel from the source distribution.
2. The wheel holds every file of `src/headstart`, and nothing else but its metadata.
3. It is installed into a new environment, which takes minutes and a package index. There, in an
   empty folder and with no variable of headstart's set, doctor, a plan and judge work without any
   extra, and a study of photos says which one it needs.
4. The extra `photos` is added. A walk is made: doctor, a study of photos of two seeds, its report,
   a prediction, an export that is opened again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "headstart"
OPEN = """
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
print([one.name for one in session.get_inputs()])
"""
FIND = "from headstart.data.find import PACKAGE_FOLDER as folder; print(folder / 'signs-mini')"
SCORES = "arm,seed,accuracy\n" + "".join(
    f"{arm},{seed},{accuracy}\n"
    for arm, accuracies in (("scratch", (0.60, 0.62, 0.61)), ("full", (0.81, 0.79, 0.82)))
    for seed, accuracy in enumerate(accuracies)
)
NEEDED = "headstart[photos]"


def main() -> None:
    """Build, look inside, install, walk."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="Python to install it for")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headstart-wheel-") as text:
        folder = Path(text)
        wheel = build(folder, given.python)
        check_content(wheel)
        python = new_environment(folder / "new", given.python)
        here = folder / "here"
        here.mkdir()
        install(python, str(wheel))
        walk_without_extras(here, python)
        install(python, NEEDED)
        walk(here, python)
    print("The wheel holds all files and works where nothing else of headstart is.")


def build(folder: Path, python: str) -> Path:
    """The wheel, built from the source distribution."""
    tools = new_environment(folder / "tools", python)
    run(tools, "-m", "pip", "install", "--quiet", "hatchling>=1.25")
    run(tools, "-m", "hatchling", "build", "-t", "sdist", "-d", folder / "dist", where=ROOT)
    (source,) = (folder / "dist").glob("*.tar.gz")
    print(f"{source.name}: {source.stat().st_size / 1e6:.2f} MB")
    run(tools, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder / "dist", source)
    (wheel,) = (folder / "dist").glob("*.whl")
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    return wheel


def check_content(wheel: Path) -> None:
    """End where the wheel lacks a file of the package or has one that is not there."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    if names != expected:
        sys.exit(f"missing: {sorted(expected - names)}; not there: {sorted(names - expected)}")
    print(f"{len(names)} files, as in {PACKAGE.relative_to(ROOT)}")


def install(python: Path, what: str) -> None:
    """Install a wheel, or an extra of the one that is there."""
    started = time.monotonic()
    run(python, "-m", "pip", "install", "--quiet", what)
    print(f"{Path(what).name} installed in {time.monotonic() - started:.0f} s")


def walk_without_extras(here: Path, python: Path) -> None:
    """What needs no extra works, and what needs one says which."""
    program = python.with_name("headstart")
    print(run(program, "--version", where=here).strip())
    check_diagnosis(here, python, missing=True)
    print(run(program, "doctor", where=here))
    run(program, "recipes", where=here)
    run(program, "plan", "digits", where=here)
    (here / "scores.csv").write_text(SCORES)
    judged = json.loads(run(program, "judge", "scores.csv", "--json", where=here))
    print(judged["headline"])
    said = run(program, "plan", "signs", where=here, fails=True)
    assert "pip install 'headstart[timm]'" in said, said


def check_diagnosis(here: Path, python: Path, *, missing: bool) -> None:
    """End where doctor finds something broken, or another state of the extras than there is."""
    found = json.loads(run(python.with_name("headstart"), "doctor", "--json", where=here))
    state = {one["name"]: one["missing"] for one in found["extras"]}
    assert not found["broken"], found["problems"]
    assert bool(state["photos"]) == missing, state
    assert state["parquet"], "an extra that was not asked for is there"


def walk(here: Path, python: Path) -> None:
    """Use the extra `photos` in an empty folder; every command must succeed."""
    started = time.monotonic()
    check_diagnosis(here, python, missing=False)
    place = Path(run(python, "-c", FIND, where=here).strip())
    with zipfile.ZipFile(place / "signs-mini.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith(".jpg"))
        (here / "new.jpg").write_bytes(archive.read(name))

    def headstart(*words: str) -> str:
        return run(python.with_name("headstart"), *words, where=here)

    short = ("--seeds", "2", "--sizes", "5 per class", "--arms", "probe")
    print(headstart("run", "signs", *short, "--html", "page.html").splitlines()[0])
    assert (here / "page.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    headstart("report", "signs", "--csv", "tables")
    answered = json.loads(headstart("predict", "signs", "new.jpg", "--json"))
    print("predicted:", answered["predictions"][0]["class"])
    print(headstart("export", "signs", "model.onnx").splitlines()[-1])
    print(run(python, "-c", OPEN, where=here).strip())
    print(f"Walk with {NEEDED}: {time.monotonic() - started:.0f} s")


def new_environment(folder: Path, python: str) -> Path:
    """Python of a new virtual environment."""
    run(Path(python), "-m", "venv", folder)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def run(program: Path, *words: object, where: Path | None = None, fails: bool = False) -> str:
    """What a program prints, which sees no variable of headstart's or Python's.

    Ends this program where it fails, or where it `fails` and does not.
    """
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HEADSTART_", "PYTHON"))
    }
    if where is not None and where != ROOT:
        clean["HEADSTART_CACHE"] = str(where.parent / "cache")
    done = subprocess.run(
        [str(program), *map(str, words)],
        cwd=where,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    if bool(done.returncode) != fails:
        sys.exit(f"{program.name} {' '.join(map(str, words))}: {done.returncode}\n{said}")
    return said if fails else done.stdout


if __name__ == "__main__":
    main()
