"""`headstart cluster`: what it writes, and what it refuses."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from commands import Call, refused


def test_the_script_names_the_study_and_the_store_by_absolute_paths(
    call: Call, study: Path, tmp_path: Path
) -> None:
    done = call("cluster", "slurm", "../tiny.toml", "--nodes", 2, "--time", "2:00:00")
    assert (done.status, done.err) == (0, "")
    assert "#SBATCH --nodes=2\n" in done.out
    words = shlex.split(done.out.partition("-m headstart")[2].partition("&")[0])
    words = [word for word in words if word != "\n"]
    assert words[:4] == ["run", str(study), "--store", str(tmp_path / "here" / "headstart-store")]
    assert not (tmp_path / "here" / "headstart-store").exists()


def test_an_array_joins_a_running_cluster(call: Call, study: Path) -> None:
    options = ("--nodes", 3, "--time", "30", "--join")
    done = call("cluster", "slurm", "../tiny.toml", *options, "head:6379")
    assert (done.status, done.err) == (0, "")
    assert "#SBATCH --array=1-3\n" in done.out
    assert "ray start --address=head:6379 --block" in done.out
    refused(
        call("cluster", "slurm", study, *options, "localhost:6379"),
        "--join: 'localhost:6379' is an address of this machine alone.",
        "Give HOST:PORT",
    )


def test_settings_change_no_key(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cluster.toml").write_text('time = "30"\npartition = "gpu"\n', encoding="utf-8")
    done = call("cluster", "slurm", "digits", "--settings", tmp_path / "cluster.toml")
    assert "#SBATCH --partition=gpu\n" in done.out
    assert "-m headstart run digits --store" in done.out


def test_all_that_is_wrong_with_a_job_is_said_at_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "cluster.toml").write_text('partitoin = "gpu"\n', encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused(
        call(
            *("cluster", "slurm", "gone.toml", "--settings", tmp_path / "cluster.toml"),
            *("--time", "1", "--store", tmp_path / "file" / "store"),
        ),
        "headstart: the job has 4 problems:",
        "partitoin: key 'partitoin' is not known.",
        "Did you mean 'partition'?",
        "--time: '1' is too short",
        f"--store: {tmp_path / 'file' / 'store'} cannot be written: ",
        "gone.toml: there is no such file.",
    )


def test_a_slurm_job_needs_a_time(call: Call) -> None:
    refused(call("cluster", "slurm", "digits"), "--time: is missing.")


def test_a_store_whose_name_breaks_a_line(call: Call) -> None:
    ended = call("cluster", "slurm", "digits", "--time", 10, "--store", "a\nb")
    refused(ended, "--store: ", "holds a line break")


def test_without_sbatch_the_script_can_be_taken_elsewhere(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    ended = call("cluster", "slurm", "digits", "--time", 10, "--submit")
    refused(ended, "--submit needs Slurm's sbatch")


SETTINGS = """
image = "me/headstart:1"
time = "2:00:00"
memory = "8G"
[mounts]
"/store" = "results"
[env]
HEADSTART_DATA = "/data: 'x'"
"""


def manifest(call: Call, tmp_path: Path, *arguments: object) -> list[Any]:
    yaml = pytest.importorskip("yaml")
    (tmp_path / "cluster.toml").write_text(SETTINGS, encoding="utf-8")
    settings = ("--settings", tmp_path / "cluster.toml")
    done = call("cluster", "kubernetes", *arguments, *settings)
    assert (done.status, done.err) == (0, "")
    return list(yaml.safe_load_all(done.out))


def test_the_manifest_of_a_recipe(call: Call, tmp_path: Path) -> None:
    (job,) = manifest(call, tmp_path, "digits", "--nodes", 3, "--gpus", 1)
    assert (job["kind"], job["metadata"]["name"]) == ("RayJob", "headstart-digits")
    spec = job["spec"]
    assert spec["entrypoint"] == (
        "headstart run digits --store /store --executor ray --address auto"
    )
    assert spec["activeDeadlineSeconds"] == 7200
    workers = spec["rayClusterSpec"]["workerGroupSpecs"][0]
    assert workers["replicas"] == workers["minReplicas"] == workers["maxReplicas"] == 3
    pods = [spec["rayClusterSpec"]["headGroupSpec"], workers]
    for group, limits in zip(
        pods,
        ({"cpu": 1, "memory": "8Gi"}, {"cpu": 4, "memory": "8Gi", "nvidia.com/gpu": 1}),
        strict=True,
    ):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"] == "me/headstart:1"
        assert container["resources"]["limits"] == limits
        assert container["env"] == [{"name": "HEADSTART_DATA", "value": "/data: 'x'"}]
        assert container["volumeMounts"] == [{"name": "mount-1", "mountPath": "/store"}]
        claim = {"claimName": "results"}
        assert pod["volumes"] == [{"name": "mount-1", "persistentVolumeClaim": claim}]


def shape(value: Any) -> Any:
    """Names and types of a document, without its values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value)


def test_the_manifest_has_the_fields_of_kuberay(call: Call, study: Path, tmp_path: Path) -> None:
    """Those of RayJobSpec, HeadGroupSpec and WorkerGroupSpec in ray.io/v1; Kubernetes drops others.

    Parameters of `ray start` are texts there, and what a pod may take has a limit and no request.
    """
    file, job = manifest(call, tmp_path, study, "--nodes", 2, "--gpus", 1)
    assert (file["apiVersion"], job["apiVersion"]) == ("v1", "ray.io/v1")

    def group(*more: str) -> dict[str, Any]:
        limits = dict.fromkeys(("cpu", *more), int) | {"memory": str}
        container = {
            "name": str,
            "image": str,
            "resources": {"limits": limits},
            "env": [{"name": str, "value": str}],
            "volumeMounts": [{"name": str, "mountPath": str}] * 2,
        }
        volumes = [
            {"name": str, "configMap": {"name": str}},
            {"name": str, "persistentVolumeClaim": {"claimName": str}},
        ]
        return {"template": {"spec": {"containers": [container], "volumes": volumes}}}

    counts = dict.fromkeys(("replicas", "minReplicas", "maxReplicas"), int)
    worker = {"groupName": str, **counts, "rayStartParams": {}, **group("nvidia.com/gpu")}
    assert shape(job) == {
        "apiVersion": str,
        "kind": str,
        "metadata": {"name": str},
        "spec": {
            "entrypoint": str,
            "shutdownAfterJobFinishes": bool,
            "backoffLimit": int,
            "activeDeadlineSeconds": int,
            "rayClusterSpec": {
                "headGroupSpec": {"rayStartParams": {"num-cpus": str}, **group()},
                "workerGroupSpecs": [worker],
            },
        },
    }
    mounted, claimed = (
        {one["name"] for one in where}
        for where in (
            pod_of(job)["containers"][0]["volumeMounts"],
            pod_of(job)["volumes"],
        )
    )
    assert mounted == claimed


def test_the_name_of_a_job_is_one_that_kuberay_takes(
    call: Call, study: Path, tmp_path: Path
) -> None:
    """A DNS label of 47 letters at most, from which the names of its pods are made."""
    text = study.read_text(encoding="utf-8")
    long = "A Study_of " + 30 * "x-"
    study.write_text(re.sub(r"^name = .*", f"name = {long!r}", text, count=1), encoding="utf-8")
    _, job = manifest(call, tmp_path, study)
    assert re.fullmatch(r"headstart-a-study-of-[x-]*[a-z0-9]", job["metadata"]["name"])
    assert len(job["metadata"]["name"]) <= 47


def pod_of(job: Any) -> Any:
    """The specification of the head's pod."""
    return job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]


def test_a_study_file_goes_along(call: Call, study: Path, tmp_path: Path) -> None:
    content = f"# \u00e9 \U0001f600 'x' \"y\": z\n{study.read_text(encoding='utf-8')}"
    study.write_text(content, encoding="utf-8")
    file, job = manifest(call, tmp_path, study)
    assert file["kind"] == "ConfigMap"
    assert file["data"] == {"study.toml": content}
    assert "run /headstart-study/study.toml --store /store" in job["spec"]["entrypoint"]
    pod = pod_of(job)
    assert {"name": "study", "configMap": {"name": "headstart-tiny"}} in pod["volumes"]


def test_pods_need_an_image_a_lasting_store_and_absolute_paths(
    call: Call, study: Path, tmp_path: Path
) -> None:
    text = study.read_text(encoding="utf-8").replace('"mnist-mini"', json.dumps("./photos"), 1)
    study.write_text(text, encoding="utf-8")
    refused(
        call("cluster", "kubernetes", study, "--store", "/tmp/store"),
        "headstart: the job has 3 problems:",
        "--image: is missing.",
        "--store: '/tmp/store' would be lost with its pod",
        "names files by relative paths",
    )
    refused(call("cluster", "kubernetes", tmp_path), "is no study file", "headstart new")
