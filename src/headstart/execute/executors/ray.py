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

from headstart.core.devices import device_kind
from headstart.core.errors import ClusterError
from headstart.core.thread_budget import allowing_threads
from headstart.execute.environment import device_for, environment, usable_cores
from headstart.execute.executors.ray_errors import first_line, in_the_object_store, translated
from headstart.execute.executors.resources import resources
from headstart.execute.executors.sending import Node, Sender, on_node
from headstart.execute.gpus import gpu_share
from headstart.execute.job import Job, Results
from headstart.execute.needed import Needed
from headstart.execute.nodes import (
    NodeLacks,
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
from headstart.execute.same_device import SameDevice, other_kinds

_log = logging.getLogger(__name__)

# Ray may do a job again after its worker or node died: it has no side effects.
RETRIES = 1
PATIENCE = 10.0  # seconds without a node after which it is said that one is waited for
REFRESH = 1.0  # seconds for which the number of slots is taken as known
ANSWER = 600.0  # seconds for a node to report what it has, for which it may hash its data


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a node must have: the versions, unless others may compute, and sight of the token.

    `needed` is what it must see or have received, and `same` its kind of device, if that matters.
    """

    token: Token
    versions: Versions | None
    needed: Needed
    same: SameDevice | None = None


class RayExecutor:
    """Steps on the nodes of a Ray cluster: cores, memory and a share of a GPU for each job.

    Args:
        cluster: its address and what is allowed.
        folder: of the store.
        needed: data sets and weights that steps read.
        same: the kind of device that all nodes must have, if any.

    Raises:
        ClusterError: Ray is not installed, no cluster is there, or nodes lack something.
    """

    # An empty job on a Ray of one machine: 9 ms, the median of 100 (2 busy cores).
    handover = 0.01

    def __init__(
        self, cluster: Cluster, folder: Path, needed: Needed, same: SameDevice | None = None
    ) -> None:
        self._running: set[Any] = set()
        self._contents: dict[str, Any] = {}  # blobs in Ray's object store, by the key of their step
        self._known, self._resources = 0.0, dict[str, float]()
        self._node_memory, self._node_cores = 0.0, 1
        self._largest = 0  # bytes of the largest training so far, by estimate
        with ExitStack() as connection:
            self._ray = _connected(cluster, connection)
            token = connection.enter_context(token_in(folder))
            reports = self._reports(token, needed, same)
            found = [*reports.values()]
            self._gpu_bytes = min((report.gpu_bytes for report in found), default=0)
            self.shared = require_alike(found, any_version=cluster.any_version, same=same)
            self._sender = Sender(self._ray)
            self._sender.send(
                {Node(id=node, host=one.host): one.lacking for node, one in reports.items()}
            )
            self._connection = connection.pop_all()
        versions = None if cluster.any_version else versions_here()
        if same and not same.kind:
            same = replace(same, kind=next((report.device for report in found), ""))
        expected = Expected(token=token, versions=versions, needed=needed, same=same)
        self._expected = self._ray.put(expected)
        self._do = self._ray.remote(max_retries=RETRIES)(_do)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def slots(self) -> int:
        """As many as the cluster has at present; at least one, which waits for a node."""
        gpus = self._there("GPU") / gpu_share(self._largest, self._gpu_bytes)
        return max(int(min(gpus, self._there("CPU")) or self._there("CPU")), 1)

    def submit(self, job: Job) -> Future[Results]:
        """Send the job to a node; blobs that nodes cannot read go once, by Ray's object store."""
        outer: Future[Results] = Future()
        self._begin(job, outer)
        return outer

    def _begin(self, job: Job, outer: Future[Results]) -> None:
        keys = () if self.shared else tuple(job.inputs.finished)
        with in_the_object_store():
            for key in keys:
                if key not in self._contents:
                    self._contents[key] = self._ray.put(job.inputs.content(key))
        needed = max((step.memory for step in job.steps), default=0)
        self._largest = max(self._largest, needed)
        gpu_bytes = self._gpu_bytes if self._there("GPU") else None
        job = replace(job, threads=min(job.threads, self._node_cores))
        do = self._do.options(**resources(job.threads, needed, gpu_bytes, self._node_memory))
        sent = [self._contents[key] for key in keys]
        reference = do.remote(job, self._expected, keys, *sent)
        self._running.add(reference)
        reference.future().add_done_callback(
            lambda inner: self._settle(job, reference, inner, outer)
        )

    def set_threads(self, threads: int) -> None:
        """A job keeps the cores that it asked Ray for, which gives the others to other jobs."""

    def abandon(self) -> None:
        """Wait for no running job. Blobs are sent anew: what is computed again has another one.

        Nodes end what they are doing, or stop with the connection. Ray is not asked to cancel it:
        where a task is cancelled while it is handed over, Ray 2.60 ends this process.
        """
        self._contents.clear()
        self._running.clear()

    def close(self) -> None:
        """End the connection, unless it was there before."""
        self._over.set()
        self._watcher.join(5.0)  # without a connection Ray would start a cluster to answer it
        self._contents.clear()
        self._connection.close()

    def _there(self, resource: str) -> float:
        """How much of a resource the cluster has, as of a second ago at most."""
        if time.monotonic() - self._known > REFRESH:
            self._resources = self._ray.cluster_resources()
            nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            self._node_memory = max((node.get("memory", 0) for node in nodes), default=0)
            self._node_cores = max((int(node.get("CPU", 0)) for node in nodes), default=0) or 1
            self._known = time.monotonic()
        return self._resources.get(resource, 0)

    def _reports(
        self, token: Token, needed: Needed, same: SameDevice | None
    ) -> dict[str, NodeReport]:
        """What every node that computes has, by its id, asked with a small task on each."""
        ask = self._ray.remote(num_cpus=0)(look)
        resource = "GPU" if self._there("GPU") else "CPU"
        asked = {
            node["NodeID"]: on_node(ask, node["NodeID"]).remote(token, needed, same)
            for node in self._ray.nodes()
            if node["Alive"] and node["Resources"].get(resource)
        }
        found = {node: self._report(reference) for node, reference in asked.items()}
        return {node: report for node, report in found.items() if report}

    def _report(self, reference: Any) -> NodeReport | None:
        """What a node reports; None of one that has gone meanwhile."""
        from ray.exceptions import GetTimeoutError, RayTaskError, RuntimeEnvSetupError

        try:
            report: NodeReport = self._ray.get(reference, timeout=ANSWER)
        except (GetTimeoutError, RayTaskError, RuntimeEnvSetupError) as error:
            raise ClusterError(
                f"a node of the cluster cannot run headstart: {first_line(error)}. Is it "
                "installed there, in the environment that Ray was started in?"
            ) from error
        except self._ray.exceptions.RayError:
            return None
        return report

    def _settle(
        self, job: Job, reference: Any, inner: "Future[Any]", outer: Future[Results]
    ) -> None:
        if reference not in self._running:
            return
        self._running.discard(reference)
        error = inner.exception()
        if error is None:
            outer.set_result(inner.result())
            return
        known = translated(error)
        if isinstance(known, NodeLacks):  # not here, for this thread is Ray's
            threading.Thread(target=self._supply, args=(known, job, outer), daemon=True).start()
        else:
            outer.set_exception(known)

    def _supply(self, lacks: NodeLacks, job: Job, outer: Future[Results]) -> None:
        """Send a node that has joined what it lacks, and the job again to whatever node is free."""
        try:
            self._sender.send({Node(id=lacks.node, host=lacks.host): lacks.items})
            if not self._over.is_set():
                self._begin(job, outer)
        except Exception as error:
            outer.set_exception(translated(error))

    def _watch(self) -> None:
        """Say once that a node is waited for, whenever there is none with a core."""
        since, said = time.monotonic(), False
        while not self._over.wait(1.0):
            with suppress(Exception):
                present = self._ray.cluster_resources().get("CPU", 0) >= 1
                if present or not self._running:
                    since, said = time.monotonic(), False
                elif not said and time.monotonic() - since > PATIENCE:
                    said = True
                    _log.warning("waiting for a node: the Ray cluster has none with a core")


def _do(job: Job, expected: Expected, keys: tuple[str, ...], *contents: bytes) -> Results:
    """A job on a node, which may have joined after all others were asked what they have."""
    import ray

    from headstart.execute.worker import do_job

    host, wrong = socket.gethostname(), list[str]()
    if expected.versions is not None:
        wrong += other_versions(host, versions_here(), expected.versions)
    if job.shared and not expected.token.seen():
        wrong.append(f"{host} does not see the store's folder, as the other nodes do")
    if expected.same and expected.same.kind:
        kind = device_kind(environment(device_for(job.device)))
        wrong += other_kinds([(host, kind)], expected.same.kind)
    wrong += [f"{host} has {lack}" for lack in expected.needed.missing()]
    if wrong:
        raise ClusterError(
            f"a node that has joined cannot do this work: {'; '.join(wrong)}. Make it like the "
            "others, or end its Ray, and run the same command again."
        )
    if lacking := expected.needed.lacking():
        raise NodeLacks(ray.get_runtime_context().get_node_id(), host, lacking)
    given = dict(zip(keys, contents, strict=True))
    steps = expected.needed.placed(job.steps)
    with allowing_threads(job.threads):
        return do_job(replace(job, steps=steps, inputs=replace(job.inputs, contents=given)))


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
    _require_answer(cluster.address)
    try:
        ray.init(address=cluster.address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(_not_joined(cluster.address, first_line(error))) from error
    return ray


def _not_joined(address: str, why: str) -> str:
    """Why Ray is not connected to a cluster, though something answers at its address, if known."""
    if address == "auto":
        return _no_cluster(address, why)
    return (
        f"something answers at '{address}', but Ray cannot join it: {why}. If that Ray has a "
        "token, give it: export RAY_AUTH_MODE=token, with the token in RAY_AUTH_TOKEN or in "
        "~/.ray/auth_token. If not, it may be the port of something else, or another version of "
        "Ray."
    )


def _no_cluster(address: str, why: str) -> str:
    return (
        f"no Ray cluster at '{address}': {why}. Start one with 'ray start --head', or leave out "
        "--address to run Ray on this machine."
    )


def _require_answer(address: str) -> None:
    """Ask for a connection at an address, which Ray itself would wait for much longer.

    Raises:
        ClusterError: it is no address, or nothing answers there.
    """
    if address == "auto":
        return
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator or not port.isdecimal():
        raise ClusterError(
            f"--address '{address}' is no address of a Ray cluster: auto, HOST:6379 or "
            "ray://HOST:10001."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise ClusterError(_no_cluster(address, first_line(error))) from error
