"""Sweeps on a running Dask cluster of two processes."""

import json
import os
import signal
import threading
import time
import warnings

import pytest

from accumbens.errors import ConfigError
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.bias import BiasOnly
from accumbens.run import EngineConfig, FitConfig, run_sweep
from accumbens.run.sweep.engines.dask import connected
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

TRIVIAL = FitConfig(models=("naive",), resamples=9, figures=False)


@pytest.fixture(scope="module")
def address():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=True
        ) as cluster:
            yield cluster.scheduler_address


def test_a_cluster_gives_the_numbers_of_this_machine(address, tmp_path):
    import jax

    trials = simulate(BiasOnly(0.5), DriftingBandit(), n_sessions=4, n_trials=30,
                      key=jax.random.key(0))  # fmt: skip
    write_table(to_table(trials), tmp_path / "t.csv")
    vary = {"seed": range(3)}
    there = run_sweep(tmp_path / "t.csv", TRIVIAL, vary=vary, out=tmp_path / "there",
                      engine=EngineConfig(on=f"dask://{address}"))  # fmt: skip
    here = run_sweep(tmp_path / "t.csv", TRIVIAL, vary=vary, out=tmp_path / "here")
    assert there.names == here.names
    assert there.count() == {"done": 3}
    for name in here.names:
        ours, theirs = (json.loads((s.folder(name) / "metrics.json").read_text())
                        for s in (here, there))  # fmt: skip
        assert {k: v for k, v in ours.items() if k not in ("seconds", "compiled")} == {
            k: v for k, v in theirs.items() if k not in ("seconds", "compiled")
        }
    assert len({there.record(name)["process"] for name in there.names}) == 2
    assert os.getpid() not in {there.record(name)["process"] for name in there.names}


def test_a_call_whose_worker_is_killed_is_made_again(address, tmp_path):
    executor = connected(address)
    trace = tmp_path / "trace"
    code = f"import os, time; open({str(trace)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(3)"
    call = executor.submit(exec, code)
    while not trace.exists() or not trace.read_text():
        time.sleep(0.05)
    first = int(trace.read_text().split()[0])
    threading.Timer(0.1, os.kill, (first, signal.SIGKILL)).start()
    assert call.result(60) is None
    assert len(trace.read_text().split()) == 2
    executor.shutdown()


def test_no_cluster_is_told(monkeypatch):
    monkeypatch.setattr("accumbens.run.sweep.engines.dask.SECONDS_TO_ANSWER", 1)
    with pytest.raises(ConfigError, match=r"No Dask cluster answers at 127\.0\.0\.1:1 .*Start one"):
        connected("127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"on is 'dask://'; it must be local, slurm, or dask://"):
        EngineConfig(on="dask://")
