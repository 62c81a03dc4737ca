"""Build the wheel and the source distribution, and use the wheel as a stranger would.

    python scripts/check_wheel.py [--python PYTHON]

1. The source distribution is built from this folder, the wheel from the source distribution.
2. The wheel holds every file of `src/headstart`, and nothing else but its metadata.
3. It is installed with the extra `photos` into a new environment, which takes minutes and a package
   index; there, in an empty folder and with no variable of headstart's set, a walk is made: doctor,
   a plan, a short study of photos, its report, predictions, an export that is opened again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "headstart"
OPEN = """
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
print([one.name for one in session.get_inputs()])
"""


def main() -> None:
    """Build, look inside, install, walk."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="Python to install it for")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headstart-wheel-") as text:
        folder = Path(text)
        wheel = build(folder, given.python)
        check_content(wheel)
        walk(folder, installed(wheel, folder / "new", given.python))
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


def installed(wheel: Path, folder: Path, python: str) -> Path:
    """Python of a new environment with the wheel and its extra `photos`."""
    new = new_environment(folder, python)
    run(new, "-m", "pip", "install", "--quiet", f"headstart[photos] @ {wheel.as_uri()}")
    return new


def walk(folder: Path, python: Path) -> None:
    """Use it in an empty folder; every command must succeed."""
    here = folder / "here"
    here.mkdir()
    code = "from headstart.data.find import PACKAGE_FOLDER as f; print(f / 'signs-mini')"
    place = Path(run(python, "-c", code, where=here).strip())
    with zipfile.ZipFile(place / "signs-mini.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith(".jpg"))
        (here / "new.jpg").write_bytes(archive.read(name))

    def headstart(*words: str) -> str:
        return run(python.with_name("headstart"), *words, where=here)

    print(headstart("--version").strip())
    found = json.loads(headstart("doctor", "--json"))
    state = {one["name"]: one["missing"] for one in found["extras"]}
    assert not found["broken"], found["problems"]
    assert not state["photos"], state
    assert state["parquet"], "an extra that was not asked for is there"
    print(headstart("doctor"))
    headstart("recipes")
    headstart("plan", "digits")
    short = ("--seeds", "2", "--sizes", "all", "--arms", "probe")
    print(headstart("run", "signs", *short, "--html", "page.html").splitlines()[0])
    assert (here / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    headstart("report", "signs", "--csv", "tables")
    print(headstart("predict", "signs", "new.jpg", "--json").count("probabilities"), "predictions")
    print(headstart("export", "signs", "model.onnx").splitlines()[-1])
    print(run(python, "-c", OPEN, where=here).strip())


def new_environment(folder: Path, python: str) -> Path:
    """Python of a new virtual environment."""
    run(Path(python), "-m", "venv", folder)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def run(program: Path, *words: object, where: Path | None = None) -> str:
    """What a program prints, which sees no variable of headstart's or Python's.

    Ends this program where it fails.
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
    if done.returncode:
        sys.exit(f"{program.name} {' '.join(map(str, words))}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
