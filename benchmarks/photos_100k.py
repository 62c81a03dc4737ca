"""What do 100,000 photos cost: knowing them, knowing them again, and one pass over all of them?"""

import os
from pathlib import Path
from shutil import rmtree

import numpy as np
from PIL import Image

from benchmarks.measure import Bench, Side
from benchmarks.results import Figure, Sample, ratio

NUMS = (25_000, 100_000)
BASES = 400
CLASSES = 20
STAGES = ("facts, cold", "facts, warm", "facts, one added", "open", "pass")
GIGABYTES = 1.5  # that no stage may take more of


def ask(bench: Bench) -> list[Figure]:
    """Seconds and gigabytes of each stage, in separate processes, at two numbers of photos."""
    figures: list[Figure] = []
    passes: list[Sample] = []
    for num in NUMS:
        folder, cache = bench.folder / f"photos-{num}", bench.folder / f"cache-{num}"
        make_photos(folder, num)
        for stage in STAGES:
            given = (stage, str(folder))
            environment = {"HEADSTART_CACHE": str(cache)}
            side = Side(
                name=stage, module="photos_100k_side", arguments=given, environment=environment
            )
            found = bench.compare("photos-100k", f"{num:,} photos", [side], 1)
            seconds, cpu, memory = (found[stage, what] for what in ("seconds", "cpu", "bytes"))
            name = f"{num:,} photos: {stage}"
            figures.append(Figure(name=name, values=seconds.values, unit="s"))
            figures.append(Figure(name=f"{name}: processor time", values=cpu.values, unit="s"))
            values = tuple(value / 1e9 for value in memory.values)
            figures.append(
                Figure(
                    name=f"{name}: memory", values=values, unit="GB", target=GIGABYTES, at_most=True
                )
            )
            if stage == "pass":
                passes.append(cpu)
        rmtree(folder)
        rmtree(cache)
    name = "one pass, processor time, 100,000 over 25,000 photos"
    figures.append(ratio(name, passes[1], passes[0]))
    return figures


def make_photos(folder: Path, num: int) -> None:
    """JPEGs of 320 x 240 in folders of classes: a few hundred blurs, each file with a comment."""
    draw = np.random.default_rng(0)
    scratch = folder / "base.jpg"
    for label in range(CLASSES):
        (folder / f"class {label:02}").mkdir(parents=True)
    bases = []
    for _ in range(BASES):
        blocks = draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        smooth = Image.fromarray(blocks).resize((320, 240), Image.Resampling.BICUBIC)
        noisy = np.asarray(smooth) + draw.normal(0, 6, (240, 320, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(scratch, quality=85)
        bases.append(scratch.read_bytes())
    os.unlink(scratch)
    for number in range(num):
        base, text = bases[number % BASES], f"{number:08}".encode()
        comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text
        path = folder / f"class {number % CLASSES:02}" / f"{number}.jpg"
        path.write_bytes(base[:2] + comment + base[2:])
