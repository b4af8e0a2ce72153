"""A fit whose compiler was ended together with it: what plain Python had reached is not gone on
with by compiled code, which rounds differently."""

import dataclasses

import jax
import pytest

from accumbens.compiled import libraries, loops
from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig
from accumbens.fit.unfinished import PLAIN, forget_plain, read_arrays, write_arrays
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.disrnn.recurrence import cpu
from accumbens.models.q_learning import QLearning
from accumbens.progress import Progress, Stopped
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.pipeline import resume_fit, run_fit
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.compilers import needs_kernel

pytestmark = needs_kernel
CONFIG = FitConfig(
    models=("disrnn",),
    recipe=RecipeConfig(
        disrnn=DisRNNConfig(latents=2, update_layers=1, update_units=4, choice_layers=1),
        warm_up=DisRNNStageConfig(steps=50, learning_rate=2e-3, decay=0.0),
        choice_stage=dataclasses.replace(RecipeConfig().choice_stage, steps=100, settle=0),
    ),
    seeds=1,
    resamples=20,
    figures=False,
)


class StopsLate(Progress):
    """As a signal does that comes when the second stage has begun."""

    def changed(self, task):
        if task.label.endswith(": choice") and task.done:
            self.stop()


@pytest.fixture
def another_process(monkeypatch):
    """Call it to become a process that has compiled and said nothing."""

    def begin():
        jax.clear_caches()
        libraries._built.cache_clear()
        monkeypatch.setattr(libraries, "_failures", {})
        monkeypatch.setattr(loops, "_said", set())

    yield begin
    jax.clear_caches()
    libraries._built.cache_clear()


def test_it_gives_the_numbers_of_an_unbroken_fit(another_process, tmp_path, monkeypatch):
    trials = simulate(QLearning(0.3, 3.0), DriftingBandit(), n_sessions=6, n_trials=40,
                      key=jax.random.key(0))  # fmt: skip
    write_table(to_table(trials), tmp_path / "trials.parquet")
    another_process()
    whole = run_fit(tmp_path / "trials.parquet", CONFIG, tmp_path / "whole")
    assert whole.metrics["models"]["disrnn"]["fit"]["loop"] == "cpu_kernel"
    assert "not_compiled" not in whole.metrics

    another_process()
    out = tmp_path / "broken"
    with monkeypatch.context() as without:
        without.setenv("CXX", "/nowhere/c++")
        with pytest.warns(UserWarning, match="train slowly here"), pytest.raises(Stopped):
            run_fit(tmp_path / "trials.parquet", CONFIG, out, StopsLate())
    [file] = (out / "checkpoints").glob("*.safetensors")
    note = read_arrays(file)[1]
    assert set(note[PLAIN]) == {"loop", "networks"}
    assert note["stage"] == 1

    another_process()
    with pytest.warns(UserWarning, match=r"computed anew\. The reason was: there is no C\+\+"):
        resumed = resume_fit(out)
    for run in (whole, resumed):
        run.metrics.pop("seconds")
        run.metrics.pop("compiled")
    assert resumed.metrics == whole.metrics


def test_plain_work_stays_where_there_is_still_no_compiler(another_process, tmp_path, monkeypatch):
    another_process()
    monkeypatch.setenv("CXX", "/nowhere/c++")
    monkeypatch.setitem(
        libraries._failures, (libraries._setting(), "loop"), "there is no C++ compiler"
    )
    write_arrays(tmp_path / "a.safetensors", {}, {"identity": "a"})
    assert forget_plain(tmp_path, cpu.available) is False
    monkeypatch.setenv(loops.VARIABLE, "scan")
    assert forget_plain(tmp_path, cpu.available) is False
    assert (tmp_path / "a.safetensors").exists()


def test_compiled_and_damaged_work_is_left_to_whoever_reads_it(another_process, tmp_path):
    another_process()
    write_arrays(tmp_path / "a.safetensors", {}, {"identity": "a"})
    (tmp_path / "b.safetensors").write_bytes(b"no such file")
    assert forget_plain(tmp_path, cpu.available) is False
    assert len(list(tmp_path.iterdir())) == 2
