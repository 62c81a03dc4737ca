"""What the measurements were taken on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from benchmarks.results import Setting

PACKAGES = ("headstart", "torch", "numpy", "keras", "tensorflow_cpu", "jax", "scikit-learn")


def setting(mode: Literal["short", "full"], data: str) -> Setting:
    """Machine, versions and date of this run."""
    return Setting(
        mode=mode,
        data=data,
        threads=f"headstart: {cores()} workers with one thread each; others: their default",
        machine=f"{_processor()}, {cores()} cores, {platform.system()} {platform.machine()}",
        versions=f"python {platform.python_version()}, " + ", ".join(_versions()),
        date=datetime.now(UTC).date().isoformat(),
    )


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed(package: str) -> bool:
    """Whether a distribution is there."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _versions() -> list[str]:
    return [f"{name} {version(name)}" for name in PACKAGES if installed(name)]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"
