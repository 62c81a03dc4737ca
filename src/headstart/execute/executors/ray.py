"""Executor that runs steps on a Ray cluster, or on a local Ray where there is none."""

import logging
import os
import socket
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.core.errors import ClusterError, HeadstartError
from headstart.execute.environment import usable_cores
from headstart.execute.executors.executor import WorkerDied
from headstart.execute.job import Computed, Job
from headstart.execute.nodes import (
    Needed,
    NodeReport,
    Versions,
    look,
    other_versions,
    require_alike,
    token_in,
    versions_here,
)
from headstart.execute.options import Cluster

# Ray may do a job again after its worker or node died: it has no side effects.
RETRIES = 1
PATIENCE = 10.0  # seconds without a node after which it is said that one is waited for
REFRESH = 1.0  # seconds for which the number of slots is taken as known
ANSWER = 60.0  # seconds for a node to report what it has


class RayExecutor:
    """Steps on the nodes of a Ray cluster, one core each, and one GPU each where there are some.

    Args:
        cluster: its address and what is allowed.
        folder: of the store.
        needed: data sets and weights that steps read.

    Raises:
        ClusterError: Ray is not installed, no cluster is there, or nodes lack something.
    """

    def __init__(self, cluster: Cluster, folder: Path, needed: Needed) -> None:
        self._cluster = cluster
        self._connection = ExitStack()
        self._ray = _connected(cluster, self._connection)
        self._running: dict[Any, float] = {}
        self._known, self._slots = 0.0, 0
        self._contents: dict[str, Any] = {}
        with self._connection.pop_all() as unless_alike:
            reports = self._reports(folder, needed)
            self.shared = require_alike(reports, any_version=cluster.any_version)
            self._connection = unless_alike.pop_all()
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def slots(self) -> int:
        """As many as the cluster has at present; at least one, which waits for a node."""
        if time.monotonic() - self._known > REFRESH:
            self._slots = int(self._ray.cluster_resources().get(self._unit, 0))
            self._known = time.monotonic()
        return max(self._slots, 1)

    def submit(self, job: Job) -> Future[tuple[Computed, ...]]:
        """Send the job to a node; blobs that nodes cannot read go once, by Ray's object store."""
        contents = job.inputs.contents
        for key, content in contents.items():
            if key not in self._contents:
                self._contents[key] = self._ray.put(content)
        bare = replace(job, inputs=replace(job.inputs, contents={}))
        do = self._ray.remote(**self._resources(), max_retries=RETRIES)(_do)
        expected = None if self._cluster.any_version else versions_here()
        sent = [self._contents[key] for key in contents]
        reference = do.remote(bare, expected, tuple(contents), *sent)
        self._running[reference] = time.monotonic()
        outer: Future[tuple[Computed, ...]] = Future()
        reference.future().add_done_callback(lambda inner: self._settle(reference, inner, outer))
        return outer

    def set_threads(self, threads: int) -> None:
        """A job has one core, for Ray gives the others to other jobs."""

    def close(self, *, abandon: bool) -> None:
        """End running jobs with `abandon`, and the connection unless it was there before."""
        self._over.set()
        self._contents.clear()
        if abandon and self._ray.is_initialized():
            for reference in list(self._running):
                with suppress(Exception):
                    self._ray.cancel(reference, force=True)
        self._connection.close()

    @property
    def _unit(self) -> str:
        return "GPU" if self._ray.cluster_resources().get("GPU") else "CPU"

    def _resources(self) -> dict[str, float]:
        return {"num_cpus": 1, "num_gpus": 1 if self._unit == "GPU" else 0}

    def _reports(self, folder: Path, needed: Needed) -> list[NodeReport]:
        """What every node has, asked with a small task on each."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        with token_in(folder) as token:
            asked = [
                self._ray.remote(
                    num_cpus=0,
                    scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
                )(look).remote(token, needed)
                for node in self._ray.nodes()
                if node["Alive"]
            ]
            return [report for one in asked if (report := self._report(one))]

    def _report(self, reference: Any) -> NodeReport | None:
        """What a node reports; None of one that has gone meanwhile."""
        from ray.exceptions import GetTimeoutError, RayTaskError, RuntimeEnvSetupError

        try:
            report: NodeReport = self._ray.get(reference, timeout=ANSWER)
        except (GetTimeoutError, RayTaskError, RuntimeEnvSetupError) as error:
            raise ClusterError(
                f"a node of the cluster cannot run headstart: {_first_line(error)}. Is it "
                "installed there, in the environment that Ray was started in?"
            ) from error
        except self._ray.exceptions.RayError:
            return None
        return report

    def _settle(self, reference: Any, inner: "Future[Any]", outer: "Future[Any]") -> None:
        self._running.pop(reference, None)
        if outer.cancelled():
            return
        error = inner.exception()
        if error is None:
            outer.set_result(inner.result())
        else:
            outer.set_exception(_translated(error))

    def _watch(self) -> None:
        """Say once that a node is waited for, as long as there is none."""
        since, said = time.monotonic(), False
        while not self._over.wait(1.0):
            with suppress(Exception):
                present = self._ray.cluster_resources().get("CPU", 0) >= 1
                if present or not self._running:
                    since, said = time.monotonic(), False
                elif not said and time.monotonic() - since > PATIENCE:
                    said = True
                    _log.warning("waiting for a node: the Ray cluster has none with a free core")


_log = logging.getLogger(__name__)


def _do(
    job: Job, expected: Versions | None, keys: tuple[str, ...], *contents: bytes
) -> tuple[Computed, ...]:
    """A job on a node, which may have joined after all others were asked for their versions."""
    from headstart.execute.worker import do_job

    if expected is not None and (
        wrong := other_versions(socket.gethostname(), versions_here(), expected)
    ):
        raise ClusterError("; ".join(wrong))
    given = dict(zip(keys, contents, strict=True))
    return do_job(replace(job, inputs=replace(job.inputs, contents=given)))


def _connected(cluster: Cluster, connection: ExitStack) -> Any:
    """Ray, connected to the cluster, or started here, until `connection` is closed."""
    try:
        import ray
    except ImportError:
        raise ClusterError(
            "--executor ray needs Ray: pip install 'headstart[ray]' here and on all nodes."
        ) from None
    if ray.is_initialized():
        return ray
    connection.enter_context(redirect_stdout(sys.stderr))  # Ray prints of nodes that have died
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if cluster.address is None:
        ray.init("local", num_cpus=usable_cores(), include_dashboard=False, **quiet)
        connection.callback(ray.shutdown)
        return ray
    try:
        _require_answer(cluster.address)
        ray.init(address=cluster.address, **quiet)
        connection.callback(ray.shutdown)
    except Exception as error:
        connection.close()
        if isinstance(error, ClusterError):
            raise
        raise ClusterError(
            f"no Ray cluster at '{cluster.address}': {_first_line(error)}. Start one with 'ray "
            "start --head', or leave out --address to run Ray on this machine."
        ) from error
    return ray


def _require_answer(address: str) -> None:
    """Ask for a connection at an address, which Ray itself would wait for much longer.

    Raises:
        ClusterError: nothing answers there.
    """
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdecimal():
        if address == "auto":
            return
        raise ClusterError(
            f"--address '{address}' is no address of a Ray cluster: auto, HOST:6379 or "
            "ray://HOST:10001."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise ClusterError(
            f"no Ray cluster at '{address}': {error}. Start one with 'ray start --head', or leave "
            "out --address to run Ray on this machine."
        ) from error


def _translated(error: BaseException) -> BaseException:
    """Ray's error as the scheduler knows it: a lost worker, or what the job itself raised."""
    from ray.exceptions import LocalRayletDiedError, RayError, RayTaskError

    if isinstance(error, LocalRayletDiedError):
        return ClusterError(
            "the Ray node of this machine has ended, and with it the way to all others. What was "
            "finished is kept: run the same command again once Ray runs here."
        )
    if isinstance(error, RayTaskError) and isinstance(error.cause, HeadstartError):
        return error.cause
    if isinstance(error, RayError) and not isinstance(error, RayTaskError):
        return WorkerDied(f"{type(error).__name__}: {_first_line(error)}")
    return error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].removesuffix(".")
