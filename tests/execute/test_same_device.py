"""`--same-device`: a study goes on only on the kind of device that it was computed on."""

import json
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from commands import Call
from headstart import flow
from headstart.core.errors import ClusterError, DeviceError
from headstart.execute.environment import processor
from headstart.execute.nodes import NodeReport, require_alike, versions_here
from headstart.execute.options import Cluster, RunOptions
from headstart.execute.same_device import SameDevice, kind_of_node, same_device
from headstart.flow import plan_of
from headstart.store.store import Store
from studies import tiny, tiny_table
from study_files import write_study

SMALL = {"sizes": [20], "seeds": 1, "arms": ["scratch", "full"]}


@pytest.fixture
def stored(tmp_path: Path) -> RunOptions:
    """A store with the tiny study."""
    options = RunOptions(store=tmp_path / "store", workers=1, device="cpu", same_device=True)
    done = flow.run(tiny(**SMALL), options, listen=lambda *_: None)
    assert done.tally.run
    return options


def computed_on(store: Path, device: str, few: int = 1000) -> None:
    """Let some rows say that they were computed on another device."""
    with sqlite3.connect(store / "headstart.db") as database:
        rows = database.execute("SELECT key, environment FROM steps ORDER BY kind DESC").fetchall()
        for key, text in rows[:few]:
            changed = json.dumps({**json.loads(text), "device": device})
            database.execute("UPDATE steps SET environment = ? WHERE key = ?", (changed, key))
    database.close()


def more(options: RunOptions) -> flow.Done:
    """The study with one more seed, on the same store."""
    return flow.run(tiny(**{**SMALL, "seeds": 2}), options, listen=lambda *_: None)


def test_a_study_goes_on_where_it_was_computed(stored: RunOptions) -> None:
    assert more(stored).tally.run


def test_a_study_does_not_go_on_on_another_kind_of_device(stored: RunOptions) -> None:
    computed_on(stored.store, "NVIDIA H200")
    with pytest.raises(DeviceError) as raised:
        more(stored)
    said = str(raised.value)
    assert "computed on\n  - NVIDIA H200: 6 steps (" in said
    assert "scratch" in said
    assert "in a new store (--store DIR), or without --same-device" in said
    assert more(replace(stored, same_device=False)).tally.run


def test_a_study_that_is_mixed_already_is_refused_too(stored: RunOptions) -> None:
    computed_on(stored.store, "A GPU", 1)
    with pytest.raises(DeviceError, match=r"A GPU: 1 step \('source run .*\n  - .*: 5 steps \('"):
        more(stored)


def test_a_study_that_is_finished_is_read_anywhere(stored: RunOptions) -> None:
    computed_on(stored.store, "NVIDIA H200")
    done = flow.run(tiny(**SMALL), stored, listen=lambda *_: None)
    assert done.tally.run == 0


def test_on_a_cluster_its_nodes_count_and_not_this_machine(stored: RunOptions) -> None:
    computed_on(stored.store, "NVIDIA H200")
    with Store(stored.store) as store:
        steps = plan_of(tiny(**SMALL), store).steps.values()
        found = same_device(steps, store, replace(stored, cluster=Cluster()))
        assert found == SameDevice(device="cpu", kind="NVIDIA H200")
        with pytest.raises(DeviceError, match="NVIDIA H200: 6 steps"):
            same_device(steps, store, stored)
        assert same_device(steps, store, replace(stored, same_device=False)) is None


def test_nodes_of_another_kind_are_named() -> None:
    one = NodeReport(host="one", versions=versions_here(), sees_store=True, device="NVIDIA H200")
    two = replace(one, host="two", device="NVIDIA A100")
    wanted = SameDevice(device="cuda", kind="")
    assert require_alike([one, one], any_version=False, same=wanted)
    with pytest.raises(
        ClusterError, match="two computes on NVIDIA A100, not on NVIDIA H200, as one"
    ):
        require_alike([one, two], any_version=False, same=wanted)
    with pytest.raises(
        ClusterError, match="one computes on NVIDIA H200, not on T4, as stored steps"
    ):
        require_alike([one], any_version=False, same=replace(wanted, kind="T4"))
    assert require_alike([one, two], any_version=False)


def test_the_kind_of_a_node_is_its_gpus_or_its_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = processor()
    assert kind_of_node("cpu") == name
    assert kind_of_node("mps") == f"the GPU of {name}"  # as rows that were computed there say
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf 'GPU-%s, NVIDIA %s, 9, 9\\n' 1 H200 2 H200 3 A100\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert kind_of_node("auto") == "NVIDIA H200 and NVIDIA A100"
    assert kind_of_node("cpu") == name
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert kind_of_node("auto") == name


def test_the_command_refuses_it(stored: RunOptions, tmp_path: Path, call: Call) -> None:
    computed_on(stored.store, "NVIDIA H200")
    study = write_study(tmp_path / "tiny.toml", tiny_table(**{**SMALL, "seeds": 2}))
    ended = call("run", study, "--store", stored.store, "--same-device")
    assert ended.status == 2
    assert "steps of this study were computed on" in ended.err
