"""The batch script of Slurm run by bash, with commands that stand for Slurm, Ray and headstart."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headstart.core.errors import ClusterError
from headstart.execute.cluster.settings import ClusterSettings
from headstart.execute.cluster.slurm import (
    address_problems,
    batch_script,
    join_script,
    submit,
)

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or sys.platform != "linux", reason="Slurm runs on Linux"
)

COMMANDS = {
    "srun": """
while [[ $1 == -* ]]; do case $1 in -N|-n|-w|-x) shift 2;; *) shift;; esac; done
exec "$@" """,
    "ray": """
echo "$@" >>"$SEEN/ray"
[ "$2" = --head ] || exec sleep 60
exec "$REAL" -c "import socket, time
s = socket.create_server(('127.0.0.1', 20000 + $SLURM_JOB_ID % 6000)); time.sleep(60)" """,
    "python": """
case "$1 $2" in
"-c import ray"*) echo 127.0.0.1;;
"-m headstart") printf '%s\\n' "$@" >"$SEEN/headstart"; exec "$REAL" -c "import time
time.sleep($RUNS)";;
"- "*) cat >/dev/null;;
*) exec "$REAL" "$@";;
esac""",
    "squeue": 'echo "$STATE"',
    "scontrol": 'echo "$@" >"$SEEN/scontrol"',
}


class Node:
    """A folder of commands, in which a script is run as the job of a number."""

    def __init__(self, folder: Path) -> None:
        self.seen, self._bin = folder / "seen", folder / "bin"
        self.seen.mkdir()
        self._bin.mkdir()
        for name, text in COMMANDS.items():
            (self._bin / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
            (self._bin / name).chmod(0o755)
        self.job = str(os.getpid() % 6000 + 6000 * int(time.time()))

    def start(
        self,
        script: str,
        runs: float = 0,
        state: str = "RUNNING",
        restarts: int = 0,
        nodes: int = 1,
    ) -> "subprocess.Popen[str]":
        """The script, with a headstart that runs for some seconds."""
        own = {"SLURM_JOB_ID": self.job, "SLURM_NNODES": str(nodes), "SLURMD_NODENAME": "one"}
        more = {"SEEN": str(self.seen), "REAL": sys.executable, "RUNS": str(runs), "STATE": state}
        counts = {"SLURM_CPUS_PER_TASK": "2", "SLURM_RESTART_COUNT": str(restarts)}
        path = {"PATH": f"{self._bin}:{os.environ['PATH']}"}
        return subprocess.Popen(
            ["bash", "-c", script],
            env=os.environ | own | more | counts | path,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stopped(self, script: str, by: signal.Signals, state: str, restarts: int = 0) -> int:
        """The status of a job that Slurm signals while headstart runs; what it says is dropped."""
        process = self.start(script, runs=30, state=state, restarts=restarts)
        for _ in range(600):
            if self.read("headstart") is not None:
                break
            time.sleep(0.1)
        time.sleep(0.3)
        process.send_signal(by)
        process.communicate(timeout=60)
        return process.returncode

    def read(self, name: str) -> str | None:
        """What a command was called with."""
        file = self.seen / name
        return file.read_text(encoding="utf-8") if file.exists() else None


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def script_of(study: str = "digits", store: str = "/store", **settings: object) -> str:
    # With a line of setup nothing is put before the commands of the test.
    values = {"time": "10", "setup": [":"], **settings}
    return batch_script(ClusterSettings(**values), "digits", study, Path(store))


def test_paths_arrive_as_they_are_and_ray_is_ended(node: Node) -> None:
    study, store = '/a b/it\'s $HOME `x` "y".toml', "/s t;ore/*"
    env = {"HEADSTART_DATA": "/d a'ta"}
    process = node.start(script_of(study, store, env=env, gpus=1), nodes=3)
    process.communicate(timeout=60)  # ends with all that holds its stderr
    assert process.returncode == 0
    ran = (node.read("headstart") or "").splitlines()
    assert ran[:7] == ["-m", "headstart", "run", study, "--store", store, "--executor"]
    head, workers = sorted(
        (node.read("ray") or "").splitlines(), key=lambda line: "--head" not in line
    )
    assert head.startswith("start --head --port=")
    assert "--num-cpus=2 --num-gpus=1" in head
    assert workers.startswith("start --address=127.0.0.1:")
    assert node.read("scontrol") is None


def test_before_its_time_limit_a_job_stops_and_is_queued_again(node: Node) -> None:
    assert node.stopped(script_of(), signal.SIGUSR1, "RUNNING") != 0
    assert (node.read("scontrol") or "").startswith("requeue ")


@pytest.mark.parametrize(
    ("by", "state", "restarts"),
    [(signal.SIGTERM, "COMPLETING", 0), (signal.SIGUSR1, "RUNNING", 3)],
    ids=["cancelled", "too often"],
)
def test_a_job_is_not_queued_again(
    by: signal.Signals, state: str, restarts: int, node: Node
) -> None:
    assert node.stopped(script_of(requeues=3), by, state, restarts) != 0
    assert node.read("scontrol") is None


def test_directives_are_those_of_the_settings() -> None:
    script = script_of(
        nodes=4,
        cpus=8,
        gpus=2,
        memory="16G",
        partition="gpu",
        account="me",
        sbatch=["--comment=a b"],
    )
    directives = {line for line in script.splitlines() if line.startswith("#SBATCH")}
    assert directives >= {
        "#SBATCH --job-name=headstart-digits",
        "#SBATCH --nodes=4",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --gres=gpu:2",
        "#SBATCH --mem=16G",
        "#SBATCH --partition=gpu",
        "#SBATCH --account=me",
        "#SBATCH --time=10",
        "#SBATCH --signal=B:USR1@60",
        "#SBATCH --requeue",
        "#SBATCH '--comment=a b'",
    }
    bare = script_of()
    assert not any(word in bare for word in ("--gres", "--mem", "--partition", "--account"))


def test_an_array_of_jobs_joins_a_cluster_and_leaves_it_by_a_signal(node: Node) -> None:
    settings = ClusterSettings(time="10", nodes=8, gpus=1, partition="gpu", setup=[":"])
    script = join_script(settings, "my study", "head-1.site:6379")
    directives = [line for line in script.splitlines() if line.startswith("#SBATCH")]
    assert directives[:5] == [
        "#SBATCH --job-name=headstart-my-study",
        "#SBATCH --array=1-8",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks=1",
        "#SBATCH --cpus-per-task=4",
    ]
    assert {"#SBATCH --gres=gpu:1", "#SBATCH --partition=gpu", "#SBATCH --requeue"} <= {*directives}
    process = node.start(script)
    until = time.monotonic() + 30
    while not node.read("ray"):
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert (node.read("ray") or "").startswith(
        "start --address=head-1.site:6379 --block --num-cpus=2 --num-gpus=1"
    )
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(Path("/tmp").glob(f"headstart-{node.job}"))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("auto", "'auto' is no address of a Ray head."),
        ("head", "'head' is no address of a Ray head."),
        ("head:6379;rm", "'head:6379;rm' is no address of a Ray head."),
        ("127.0.0.1:6379", "'127.0.0.1:6379' is an address of this machine alone."),
    ],
)
def test_what_no_node_can_join(address: str, message: str) -> None:
    (problem,) = address_problems(address)
    assert problem.message == message
    assert address_problems("10.0.0.7:6379") == []


def test_sbatch_is_given_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sbatch = tmp_path / "sbatch"
    sbatch.write_text('#!/bin/bash\ncat >"$0.in"\necho "12;cluster"\n', encoding="utf-8")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert submit("the script") == "12"
    assert (tmp_path / "sbatch.in").read_text(encoding="utf-8") == "the script"
    sbatch.write_text("#!/bin/bash\necho 'error: invalid partition: x' >&2\nexit 1\n")
    with pytest.raises(
        ClusterError, match=r"^Slurm did not take the job: error: invalid part.*: x"
    ):
        submit("the script")


def test_without_sbatch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match=r"--submit needs Slurm's sbatch, .* login node"):
        submit("")
