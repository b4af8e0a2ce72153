"""Fits on two processes of this machine, by `accumbens fit --distributed`."""

import os
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.q_learning import QLearning
from accumbens.run import load_run
from accumbens.run.distributed import DistributedConfig
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.small_options import small_options


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    trials = simulate(QLearning(0.3, 3.0), DriftingBandit(), n_sessions=22, n_trials=40,
                      key=jax.random.key(0))  # fmt: skip
    write_table(to_table(trials), folder / "trials.parquet")
    return folder / "trials.parquet"


def options(folder, steps, recipe=""):
    (folder / "small.toml").write_text(small_options(steps, seeds=4, recipe=recipe))
    return folder / "small.toml"


def begin(words, n=2):
    """The command in `n` processes, which find each other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = ["--coordinator", f"127.0.0.1:{port}", "--processes", str(n), "--threads", "1"]
    command = [sys.executable, "-m", "accumbens", "fit", *map(str, words), "--distributed"]

    def process(i):
        return subprocess.Popen(
            [*command, *address, "--process", str(i)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    return [process(i) for i in range(n)]


def ended(processes):
    """What each one printed, and their codes."""
    said = [process.communicate(timeout=600)[0] for process in processes]
    return said, [process.returncode for process in processes]


def assert_same_fit(found, wanted):
    one, other = (load_run(path) for path in (found, wanted))
    losses = [run.history().query("term == 'loss'").value.to_numpy() for run in (one, other)]
    np.testing.assert_allclose(losses[0][:20], losses[1][:20], rtol=1e-5)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    likelihoods = [
        run.metrics["models"]["disrnn"]["choice"]["normalized_likelihood"] for run in (one, other)
    ]
    assert likelihoods[0] == pytest.approx(likelihoods[1], abs=1e-4)


def test_two_processes_give_the_fit_of_one_and_one_writes(table, tmp_path):
    config = options(tmp_path, 50, "trials_per_step = 200")
    words = [table, "--config", config, "--out"]
    said, codes = ended(begin([*words, tmp_path / "two"]))
    assert codes == [0, 0], said
    assert "disrnn" in said[0]
    assert "disrnn" not in said[1]
    assert "One process did all the work" not in said[0]
    main(["fit", *map(str, words), str(tmp_path / "one")])
    assert_same_fit(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_a_process_is_killed_and_the_run_resumed_by_one(table, tmp_path):
    config = options(tmp_path, 200)
    words = [table, "--config", config, "--out"]
    processes = begin([*words, tmp_path / "two"])
    file = tmp_path / "two" / "checkpoints" / "disrnn-0.safetensors"  # of the warm-up
    while not file.exists() and all(process.poll() is None for process in processes):
        time.sleep(0.1)
    processes[1].kill()
    said, codes = ended(processes)
    assert codes[0] == 2, said
    assert "Another process of this fit has ended" in said[0]
    assert file.exists()
    main(["fit", "--resume", str(tmp_path / "two")])
    main(["fit", *map(str, words), str(tmp_path / "one")])
    assert_same_fit(tmp_path / "two", tmp_path / "one")


def test_an_error_ends_all_processes(tmp_path):
    said, codes = ended(begin([tmp_path / "none.csv"]))
    assert codes == [2, 2]
    assert "none.csv" in said[0]
    assert "Error" not in said[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"coordinator": "a:1"}, "add --distributed"),
        ({"distributed": True, "processes": 2}, "together, or none"),
        ({"distributed": True, "coordinator": "a", "processes": 2, "process": 0}, "HOST:PORT"),
        ({"distributed": True, "coordinator": "a:1", "processes": 2, "process": 2}, "between 0"),
    ],
)
def test_options_that_do_not_go_together(given, message):
    with pytest.raises(ConfigError, match=message):
        DistributedConfig(**given)


def test_what_cannot_be_divided_is_refused(table, capsys):
    with pytest.raises(SystemExit):
        main(["fit", str(table), "--models", "naive", "--distributed"])
    assert "disrnn is not among the models" in capsys.readouterr().err


def test_without_srun_or_coordinator_it_says_what_to_give(table):
    command = [sys.executable, "-m", "accumbens", "fit", str(table), "--distributed"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "OMPI", "JAX_C"))}
    done = subprocess.run(command, capture_output=True, text=True, env=clean, timeout=300)
    assert done.returncode == 2
    assert "start the command by srun or mpirun" in done.stderr
