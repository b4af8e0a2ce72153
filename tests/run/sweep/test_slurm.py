"""Sweeps, and one fit, on a real SLURM: the numbers of this machine, whatever SLURM does to jobs.

`make test-slurm` installs SLURM and runs these; other targets leave them out.
"""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.q_learning import QLearning
from accumbens.run import (
    EngineConfig,
    FitConfig,
    SlurmConfig,
    load_run,
    load_sweep,
    run_fit,
    run_sweep,
)
from accumbens.run.sweep.engines.processes import ProcessEnded
from accumbens.run.sweep.engines.slurm import SlurmJobs
from accumbens.run.toml import read_toml
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.slurm import free_ports, missing_programs, said, slurm_cluster, wait_until
from helpers.small_options import small_options

pytestmark = pytest.mark.slurm
JOBS = SlurmConfig(minutes=5, memory=1, warning=5)
SLURM = EngineConfig(on="slurm", slurm=JOBS)
VARY = {"seed": range(2), "penalties.factor": [0.5]}


@pytest.fixture(scope="module")
def end_node():
    assert not missing_programs(), "make test-slurm installs SLURM"
    with tempfile.TemporaryDirectory(prefix="slurm-") as name, slurm_cluster(Path(name)) as end:
        yield end


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A table, and options of small fits."""
    folder = tmp_path_factory.mktemp("tables")
    trials = simulate(QLearning(0.3, 1.0), DriftingBandit(), n_sessions=6, n_trials=80,
                      key=jax.random.key(0))  # fmt: skip
    write_table(to_table(trials), folder / "trials.parquet")
    (folder / "small.toml").write_text(small_options(10000))
    return folder / "trials.parquet", read_toml(FitConfig, folder / "small.toml")


@pytest.fixture(scope="module")
def here(small, tmp_path_factory):
    return run_sweep(*small, vary=VARY, out=tmp_path_factory.mktemp("sweeps") / "here")


def numbers(sweep):
    found = {}
    for name in sweep.names:
        metrics = json.loads((sweep.folder(name) / "metrics.json").read_text())
        found[name] = {k: v for k, v in metrics.items() if k not in ("seconds", "compiled")}
    return found


def test_jobs_give_the_numbers_of_this_machine_though_one_is_preempted(
    end_node, here, small, tmp_path, monkeypatch
):
    """A job of a higher partition takes both nodes while a cell is under way. Nobody asks sacct."""
    monkeypatch.setattr("submitit.core.core.InfoWatcher.update", pytest.fail)

    def preempt():
        wait_until(lambda: list(tmp_path.glob("s/cells/*/checkpoints/disrnn*")), "training")
        script = "#!/bin/sh\nsleep 1\n"
        subprocess.run(["sbatch", "-p", "high", "-N2", "--exclusive", "-o", "/dev/null"],
                       input=script, text=True, check=True, timeout=30)  # fmt: skip

    thread = threading.Thread(target=preempt)
    thread.start()
    sweep = run_sweep(*small, vary=VARY, out=tmp_path / "s", engine=SLURM)
    thread.join()
    assert sweep.count() == {"done": 2}
    assert numbers(sweep) == numbers(here)
    assert max(sweep.record(name)["attempts"] for name in sweep.names) == 2


def test_many_cells_of_one_job_and_a_job_that_is_cancelled(end_node, small, tmp_path):
    jobs = EngineConfig(on="slurm", slurm=SlurmConfig(minutes=5, memory=1, cells=4))
    config = FitConfig(models=("naive",), resamples=9, figures=False)
    sweep = run_sweep(small[0], config, vary={"seed": range(4)}, out=tmp_path / "s", engine=jobs)
    assert sweep.count() == {"done": 4}
    assert len({sweep.record(name)["process"] for name in sweep.names}) == 1
    executor = SlurmJobs(tmp_path / "other", JOBS)
    code = f"import time; open({str(tmp_path / 'begun')!r}, 'w').close(); time.sleep(60)"
    sleeps = executor.submit(exec, code)
    wait_until((tmp_path / "begun").exists, "a running job")
    said("scancel", "--user=root")
    with pytest.raises(ProcessEnded, match=r"SLURM ended the job \d+ without a result: cancelled"):
        sleeps.result(timeout=100)
    waits = executor.submit(exec, code)
    wait_until(lambda: said("squeue", "--me", "-h", "-o", "%t"), "a job")
    executor.shutdown(cancel_futures=True)
    with pytest.raises(ProcessEnded, match="It was stopped; it can be resumed"):
        waits.result()
    wait_until(lambda: not said("squeue", "--me", "-h"), "the end of the job")


def test_errors_of_jobs_and_of_slurm_are_told(end_node, small, tmp_path):
    executor = SlurmJobs(tmp_path / "a", JOBS)
    fails = executor.submit(int, "no number")
    with pytest.raises(ProcessEnded, match="invalid literal for int"):
        fails.result(timeout=60)
    executor.shutdown()
    executor = SlurmJobs(tmp_path / "b", SlurmConfig(partition="nowhere"))
    with pytest.raises(ProcessEnded, match=r"SLURM refused the job: .*partition"):
        executor.submit(int, "1").result(timeout=60)
    executor.shutdown()
    with pytest.raises(ConfigError, match=r"slurm\.extra holds 'qos'; give each as NAME=VALUE"):
        SlurmConfig(extra=("qos",))


def test_a_job_that_reaches_its_time_limit_is_queued_again(end_node, tmp_path):
    """SLURM's shortest limit is a minute; the second time the call returns at once."""
    begun = tmp_path / "begun"
    begun.mkdir()
    code = (
        f"import os, time; n = len(os.listdir({str(begun)!r})); "
        f"open({str(begun)!r} + f'/{{n}}', 'w').close(); time.sleep(0 if n else 300)"
    )
    extra = ("comment=of a sweep", "srun_args=--kill-on-bad-exit=1")
    limit = SlurmConfig(minutes=1, memory=1, warning=40, requeues=1, extra=extra)
    executor = SlurmJobs(tmp_path / "jobs", limit)
    assert executor.submit(exec, code).result(timeout=240) is None
    executor.shutdown()
    assert len(list(begun.iterdir())) == 2
    script = "".join(path.read_text() for path in (tmp_path / "jobs").glob("*.sh"))
    assert "--kill-on-bad-exit=1" in script
    assert "comment=" in script
    assert "srun_args" not in script


def test_one_fit_on_two_nodes_by_srun(end_node, small, tmp_path, monkeypatch):
    """JAX reads from SLURM which process is which. The nodes' names are not known to the system
    here, so the address is given."""
    options = small_options(100)
    (tmp_path / "small.toml").write_text(options)
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", f"127.0.0.1:{free_ports(1)[0]}")
    words = [sys.executable, "-m", "accumbens", "fit", small[0], "--config",
             tmp_path / "small.toml", "--out", tmp_path / "two", "--distributed"]  # fmt: skip
    done = subprocess.run(["srun", "-N2", "-n2", *map(str, words)], capture_output=True, text=True,
                          timeout=400)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "One process did all the work" not in done.stdout
    two = load_run(tmp_path / "two")
    one = run_fit(small[0], read_toml(FitConfig, tmp_path / "small.toml"), tmp_path / "one")
    losses = [run.history().query("term == 'loss'").value.to_numpy() for run in (one, two)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_a_node_whose_daemon_ends_loses_no_cell(end_node, here, small, tmp_path):
    """The last test: the node stays away. Its job is queued again on the other one."""
    done = threading.Event()

    def sweep():
        run_sweep(*small, vary=VARY | {"seed": [0]}, out=tmp_path / "s", engine=SLURM)
        done.set()

    thread = threading.Thread(target=sweep, daemon=True)
    thread.start()
    wait_until(lambda: list(tmp_path.glob("s/cells/*/cell.json")), "a cell")
    end_node(said("squeue", "--me", "-h", "-o", "%N"))
    assert done.wait(120)
    found = load_sweep(tmp_path / "s")
    assert numbers(found)[found.names[0]] == numbers(here)[found.names[0]]
