"""Executor that runs steps on a Ray cluster, or on a local Ray where there is none."""

import logging
import os
import socket
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headstart.core.errors import ClusterError, HeadstartError
from headstart.execute.environment import usable_cores
from headstart.execute.executors.executor import WorkerDied
from headstart.execute.job import Job, Results
from headstart.execute.nodes import (
    Needed,
    NodeReport,
    Token,
    Versions,
    look,
    other_versions,
    require_alike,
    token_in,
    versions_here,
)
from headstart.execute.options import Cluster

_log = logging.getLogger(__name__)

# Ray may do a job again after its worker or node died: it has no side effects.
RETRIES = 1
PATIENCE = 10.0  # seconds without a node after which it is said that one is waited for
REFRESH = 1.0  # seconds for which the number of slots is taken as known
ANSWER = 60.0  # seconds for a node to report what it has


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a node must have: the versions, unless others may compute, and sight of the token."""

    token: Token
    versions: Versions | None


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
        self._running: set[Any] = set()
        self._contents: dict[str, Any] = {}  # blobs in Ray's object store, by the key of their step
        self._known, self._resources = 0.0, dict[str, float]()
        with ExitStack() as connection:
            self._ray = _connected(cluster, connection)
            token = connection.enter_context(token_in(folder))
            reports = self._reports(token, needed)
            self.shared = require_alike(reports, any_version=cluster.any_version)
            self._connection = connection.pop_all()
        versions = None if cluster.any_version else versions_here()
        self._expected = self._ray.put(Expected(token=token, versions=versions))
        self._do = self._ray.remote(max_retries=RETRIES)(_do)
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def slots(self) -> int:
        """As many as the cluster has at present; at least one, which waits for a node."""
        return max(int(self._there("GPU") or self._there("CPU")), 1)

    def submit(self, job: Job) -> Future[Results]:
        """Send the job to a node; blobs that nodes cannot read go once, by Ray's object store."""
        keys = () if self.shared else tuple(job.inputs.finished)
        for key in keys:
            if key not in self._contents:
                self._contents[key] = self._ray.put(job.inputs.content(key))
        do = self._do.options(num_cpus=1, num_gpus=1 if self._there("GPU") else 0)
        sent = [self._contents[key] for key in keys]
        reference = do.remote(job, self._expected, keys, *sent)
        self._running.add(reference)
        outer: Future[Results] = Future()
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

    def _there(self, resource: str) -> float:
        """How much of a resource the cluster has, as of a second ago at most."""
        if time.monotonic() - self._known > REFRESH:
            self._resources = self._ray.cluster_resources()
            self._known = time.monotonic()
        return self._resources.get(resource, 0)

    def _reports(self, token: Token, needed: Needed) -> list[NodeReport]:
        """What every node has, asked with a small task on each."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ask = self._ray.remote(num_cpus=0)(look)
        asked = [
            ask.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(token, needed)
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
        self._running.discard(reference)
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


def _do(job: Job, expected: Expected, keys: tuple[str, ...], *contents: bytes) -> Results:
    """A job on a node, which may have joined after all others were asked what they have."""
    from headstart.execute.worker import do_job

    host, wrong = socket.gethostname(), list[str]()
    if expected.versions is not None:
        wrong += other_versions(host, versions_here(), expected.versions)
    if job.shared and not expected.token.seen():
        wrong.append(f"{host} does not see the store's folder, as the other nodes do")
    if wrong:
        raise ClusterError(
            f"a node that has joined cannot do this work: {'; '.join(wrong)}. Make it like the "
            "others, or end its Ray, and run the same command again."
        )
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
    connection.callback(ray.shutdown)
    if cluster.address is None:
        ray.init("local", num_cpus=usable_cores(), include_dashboard=False, **quiet)
        return ray
    try:
        _require_answer(cluster.address)
        ray.init(address=cluster.address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"no Ray cluster at '{cluster.address}': {_first_line(error)}. Start one with 'ray "
            "start --head', or leave out --address to run Ray on this machine."
        ) from error
    return ray


def _require_answer(address: str) -> None:
    """Ask for a connection at an address, which Ray itself would wait for much longer.

    Raises:
        ClusterError: it is no address. OSError: nothing answers there.
    """
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdecimal():
        if address == "auto":
            return
        raise ClusterError(
            f"--address '{address}' is no address of a Ray cluster: auto, HOST:6379 or "
            "ray://HOST:10001."
        )
    socket.create_connection((host, int(port)), timeout=5).close()


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
