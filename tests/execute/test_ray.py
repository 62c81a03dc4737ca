"""Steps on a Ray that runs on this machine: the contract of executors, and what can be missing."""

import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from executor_contract import ExecutorContract

from commands import Call
from headstart import flow
from headstart.core.errors import ClusterError, HeadstartError
from headstart.core.thread_budget import threads
from headstart.execute import nodes
from headstart.execute.executors import Executor, RayExecutor
from headstart.execute.job import Job, Results, make_job
from headstart.execute.needed import Needed, NeededFile, NeededNetwork
from headstart.execute.nodes import NodeReport, require_alike, versions_here
from headstart.execute.options import Cluster, RunOptions
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from studies import tiny

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of Ray and what it starts

HERE = NodeReport(host="one", versions=versions_here(), sees_store=True)


@pytest.fixture(scope="module")
def local_ray() -> Iterator[None]:
    """One Ray for all tests, for executors use one that is there."""
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("local_ray")
class TestRay(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.folder = tmp_path_factory.mktemp("shared")

    def make(self) -> Executor:
        return RayExecutor(Cluster(), self.folder, Needed())


class TestRayWithoutSharedFolder(TestRay):
    """Nodes that do not see the store's folder are given blobs, and give bytes back."""

    @pytest.fixture(autouse=True)
    def _apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("headstart.execute.executors.ray.require_alike", lambda *_, **__: False)


@pytest.mark.usefixtures("local_ray")
def test_a_study_on_a_cluster_is_the_study_at_home(tmp_path: Path) -> None:
    loaded = tiny(sizes=[20], seeds=2, arms=["scratch", "probe"])
    here = flow.run(loaded, RunOptions(store=tmp_path / "here", workers=1), listen=lambda *_: None)
    there = flow.run(
        loaded, RunOptions(store=tmp_path / "there", cluster=Cluster()), listen=lambda *_: None
    )
    assert there.analysis.comparisons == here.analysis.comparisons
    with Store(tmp_path / "here") as one, Store(tmp_path / "there") as other:
        keys = here.tally.done
        assert {k: r.blob for k, r in one.rows(keys).items()} == {
            k: r.blob for k, r in other.rows(keys).items()
        }


def test_a_study_that_is_done_asks_for_no_cluster_and_no_gpu_here(tmp_path: Path) -> None:
    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "probe"])
    store, nowhere = tmp_path / "store", Cluster(address="127.0.0.1:9")
    flow.run(loaded, RunOptions(store=store, workers=1), listen=lambda *_: None)
    again = RunOptions(store=store, device="cuda", cluster=nowhere)
    assert flow.run(loaded, again, listen=lambda *_: None).tally.run == 0
    # Where something is missing both are asked for; a Ray of this process that is there is used.
    with pytest.raises(HeadstartError, match=r"no Ray cluster at '127\.0\.0\.1:9'|has no GPU"):
        flow.run(loaded, replace(again, store=tmp_path / "other"), listen=lambda *_: None)


def test_nodes_that_lack_something_are_all_named() -> None:
    older = replace(HERE, host="two", versions={**HERE.versions, "torch": "1.0"})
    bare = replace(HERE, host="three", missing=("no network module:net.py:make",))
    with pytest.raises(ClusterError) as raised:
        require_alike([HERE, older, bare], any_version=False)
    here = HERE.versions["torch"]
    assert str(raised.value).startswith(
        "not all nodes can do this work:\n"
        f"  - two has torch 1.0, this machine {here}\n"
        "  - three has no network module:net.py:make\n"
        "Install the same versions everywhere"
    )
    assert require_alike([HERE, older], any_version=True)
    assert not require_alike([HERE, replace(HERE, sees_store=False)], any_version=False)
    assert not require_alike([], any_version=False)


def test_a_node_says_what_it_lacks(tmp_path: Path) -> None:
    weights = NeededFile(path=str(tmp_path / "w.pt"), hash="0" * 64)
    network = NeededNetwork(kind="module", name="gone.py:make", hash="0" * 64)
    needed = Needed(items=(weights,), networks=(network,))
    with nodes.token_in(tmp_path) as token:
        report = nodes.look(token, needed)
        assert report.sees_store
    assert report.lacking == (weights,)
    assert report.missing == ("no network module:gone.py:make",)
    assert not nodes.look(token, needed).sees_store


def test_a_node_that_joins_later_and_is_not_like_the_others_is_refused(tmp_path: Path) -> None:
    from headstart.execute.executors.ray import Expected, _do

    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "probe"])
    first = next(iter(make_plan(loaded.study, loaded.facts).steps.values()))
    with Store(tmp_path) as store, nodes.token_in(tmp_path) as token:
        job = make_job([first], store, "cpu", shared=True)
        here = Expected(token=token, versions=versions_here(), needed=Needed())
        (computed,) = _do(job, here, ())
        assert not computed.error
        older = replace(here, versions={**versions_here(), "headstart": "0.0"})
        host = socket.gethostname()
        with pytest.raises(ClusterError, match=rf"{host} has headstart .* machine 0.0"):
            _do(job, older, ())
        _do(job, replace(older, versions=None), ())
    with pytest.raises(ClusterError, match=f"{host} does not see the store's folder"):
        _do(job, here, ())


def test_a_job_has_the_threads_that_it_came_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.execute import worker
    from headstart.execute.executors.ray import Expected, _do

    seen: list[tuple[int, int]] = []

    def do_job(job: Job) -> Results:
        seen.append((job.threads, threads()))
        return ()

    monkeypatch.setattr(worker, "do_job", do_job)
    with Store(tmp_path) as store, nodes.token_in(tmp_path) as token:
        job = make_job([], store, "cpu", shared=True, threads=3)
        here = Expected(token=token, versions=None, needed=Needed())
        _do(job, here, ())
        _do(replace(job, threads=1), here, ())
    assert seen == [(3, 3), (1, 1)]
    assert threads() == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere", "--address 'nowhere' is no address of a Ray cluster: auto, HOST:6379 or ray:"),
        ("127.0.0.1:9", "no Ray cluster at '127.0.0.1:9': "),
        ("ray://127.0.0.1:9", "no Ray cluster at 'ray://127.0.0.1:9': "),
    ],
)
def test_no_cluster_at_the_address(address: str, message: str, tmp_path: Path) -> None:
    ray.shutdown()
    with pytest.raises(ClusterError, match=re.escape(message)):
        RayExecutor(Cluster(address=address), tmp_path, Needed())


def test_what_answers_may_want_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ray 2.60 ends, after 20 seconds, where it has no token for a cluster that has one."""

    def refused(**_: object) -> None:
        raise ConnectionError("Failed to connect to Ray cluster at 192.0.2.2:6399.")

    ray.shutdown()
    monkeypatch.setattr(ray, "init", refused)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError) as caught:
            RayExecutor(Cluster(address=address), tmp_path, Needed())
    said = str(caught.value)
    assert said.startswith(f"something answers at '{address}', but Ray cannot join it: Failed to")
    assert "export RAY_AUTH_MODE=token" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--address", "auto"], "--address and --any-version go with --executor ray."),
        (["--executor", "ray", "--workers", "2"], "--workers goes with --executor local"),
    ],
)
def test_options_of_the_other_executor(words: list[str], message: str, call: Call) -> None:
    ended = call("run", "digits", *words)
    assert ended.status == 2
    assert message in " ".join(ended.err.split())


def test_a_ray_that_was_started_for_a_run_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray.shutdown()
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # another cluster than the one asked for
    stdout = sys.stdout
    executor = RayExecutor(Cluster(), tmp_path, Needed())
    assert ray.is_initialized()
    assert sys.stdout is sys.stderr  # Ray prints into it, and a document may be printed there
    executor.close()
    assert not ray.is_initialized()
    assert sys.stdout is stdout
    gone = NeededNetwork(kind="module", name="gone.py:make", hash="0" * 64)
    with pytest.raises(ClusterError, match="not all nodes can do this work"):
        RayExecutor(Cluster(), tmp_path, Needed(networks=(gone,)))
    assert not ray.is_initialized()
