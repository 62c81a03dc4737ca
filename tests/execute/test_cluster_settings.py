"""Settings of a cluster: times, words, and all that is wrong at once."""

import pytest

from headstart.execute.cluster.settings import seconds_of, settings_of


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("90", 5400),
        ("90:30", 5430),
        ("2:00:00", 7200),
        ("1-12", 129600),
        ("1-12:30", 131400),
        ("1-12:30:15", 131415),
    ],
)
def test_times_are_those_of_slurm(time: str, seconds: int) -> None:
    assert seconds_of(time) == seconds


@pytest.mark.parametrize(
    "time", ["", "2h", "1:2:3", "1:60:00", "-5", "1-2:3:4:5", "2:00:00\n", "\u0661"]
)
def test_what_is_no_time(time: str) -> None:
    with pytest.raises(ValueError, match=r"is no time limit: minutes \(90\)"):
        seconds_of(time)


def test_options_come_before_the_file() -> None:
    settings, problems = settings_of({"nodes": 2, "cpus": 3}, {"nodes": 5})
    assert settings
    assert (settings.nodes, settings.cpus, problems) == (5, 3, [])


def test_everything_wrong_is_said_at_once_with_its_place() -> None:
    table = {
        "node": 2,
        "cpus": "many",
        "setup": ["module load cuda", "a\nb"],
        "account": "me; rm -rf /",
        "memory": "16 GB",
        "sbatch": ["-p gpu"],
        "env": {"A B": "1"},
        "mounts": {"store": "claim"},
    }
    settings, problems = settings_of(table, {"time": "3", "nodes": 0})
    assert settings is None
    texts = {problem.where: str(problem) for problem in problems}
    assert texts.keys() == {
        *("node", "cpus", "setup[1]", "account", "memory", "sbatch[0]", "env", "mounts"),
        *("--time", "--nodes"),
    }
    assert "key 'node' is not known." in texts["node"]
    assert "Did you mean 'nodes'?" in texts["node"]
    assert "it must be a whole number" in texts["cpus"]
    assert "one line of text" in texts["setup[1]"]
    assert "one word" in texts["account"]
    assert "(16G)" in texts["memory"]
    assert "'--qos=high'" in texts["sbatch[0]"]
    assert "no name of an environment variable" in texts["env"]
    assert "'store' must be an absolute path in the pods" in texts["mounts"]
    assert "too short: give at least 5 minutes" in texts["--time"]
    assert "at least 1" in texts["--nodes"]
