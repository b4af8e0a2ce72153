"""A sweep on this machine: numbers of single fits, whatever is killed, and nothing done twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.files import claimed
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.q_learning import QLearning
from accumbens.progress import Progress
from accumbens.run import (
    EngineConfig,
    FitConfig,
    load_result,
    load_sweep,
    resume_sweep,
    run_fit,
    run_sweep,
)
from accumbens.run.fit.pipeline import make_split, read_trials
from accumbens.run.provenance import read_made
from accumbens.run.sweep import cell as cells
from accumbens.run.sweep.axes import read_axes
from accumbens.run.sweep.cell import LOCK, run_cell
from accumbens.run.sweep.plan import read_plan, write_plan
from accumbens.run.sweep.sweeping import planned
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.trials import trials_from_arrays

SMALL = [
    "--models", "disrnn", "--resamples", "9", "--disrnn.latents", "2", "--disrnn.update-units", "4",
    "--disrnn.update-layers", "1", "--disrnn.choice-layers", "1", "--warm-up.steps", "20",
    "--choice-stage.steps", "200",
]  # fmt: skip
VARY = ["--vary", "seed=0:2", "--vary", "penalties.factor=0.5"]
TRIVIAL = FitConfig(models=("naive",), resamples=9, figures=False)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    agent = QLearning(0.3, 1.0)
    trials = simulate(agent, DriftingBandit(), n_sessions=6, n_trials=80, key=jax.random.key(0))
    rows = to_table(trials)
    rows["subject"] = rows["session"].astype(str).factorize()[0] % 2
    path = tmp_path_factory.mktemp("tables") / "trials.parquet"
    write_table(rows, path)
    return path


@pytest.fixture(scope="module")
def undisturbed(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweeps") / "sweep"
    main(["sweep", str(table), *VARY, *SMALL, "--out", str(out)])
    return load_sweep(out)


def numbers(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    return {k: v for k, v in metrics.items() if k not in ("seconds", "compiled")}


def same_numbers(sweep, other):
    assert sweep.names == other.names
    for name in sweep.names:
        assert numbers(sweep.folder(name)) == numbers(other.folder(name))
        ours, theirs = (s.run(name).predictions() for s in (sweep, other))
        assert ours.equals(theirs)


def checkpoint_of(sweep):
    """Waits for a checkpoint; the record of its cell."""
    while True:
        for path in Path(sweep).glob("cells/*/checkpoints/*.safetensors"):
            return json.loads((path.parents[1] / "cell.json").read_text())
        time.sleep(0.01)


def test_cells_are_the_runs_that_single_fits_would_be(undisturbed, table, tmp_path):
    assert undisturbed.count() == {"done": 2}
    name = undisturbed.names[1]
    config = undisturbed.run(name).config
    assert (config.seed, config.seeds, config.selection.factor) == (1, 1, 0.5)
    alone = run_fit(table, config, tmp_path / "alone")
    assert numbers(alone.folder.path) == numbers(undisturbed.folder(name))
    record = undisturbed.record(name)
    assert record["state"] == "done"
    assert record["hash"] == read_plan(undisturbed.path).cell(name).hash
    assert record["attempts"] == 1
    assert record["seconds"] > 0
    assert not list(undisturbed.path.rglob("*.lock"))
    assert not list(undisturbed.folder(name).glob("figures/*.png"))
    with pytest.raises(ConfigError, match="holds a run, and no sweep"):
        run_sweep(table, TRIVIAL, vary={"seed": [0]}, out=alone.folder.path)


def test_a_sweep_is_shown_and_loaded_like_other_results(undisturbed, capsys):
    assert load_result(undisturbed.path).names == undisturbed.names
    for words in (["show", str(undisturbed.path)], ["sweep", "--status", str(undisturbed.path)]):
        main(words)
        said = " ".join(capsys.readouterr().out.split())
        assert "2 cells, 2 done" in said
        assert "seed 0, 1 penalties.factor 0.5" in said
    frame = undisturbed.to_frame()
    assert list(frame["seed"]) == [0, 1]
    assert list(frame["state"]) == ["done", "done"]
    scores = [r.metrics["models"]["disrnn"]["choice"] for _, r in undisturbed.runs()]
    assert list(frame["disrnn.normalized_likelihood"]) == [
        s["normalized_likelihood"] for s in scores
    ]


def test_a_killed_worker_is_replaced_and_its_cell_resumed(undisturbed, table, tmp_path):
    killed = []

    def kill():
        killed.append(checkpoint_of(tmp_path / "sweep"))
        os.kill(killed[0]["process"], signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    main(["sweep", str(table), *VARY, *SMALL, "--out", str(tmp_path / "sweep")])
    sweep = load_sweep(tmp_path / "sweep")
    attempts = {sweep.record(n)["hash"]: sweep.record(n)["attempts"] for n in sweep.names}
    assert attempts[killed[0]["hash"]] == 2
    same_numbers(sweep, undisturbed)


def test_a_killed_sweep_goes_on_where_it_was(undisturbed, table, tmp_path):
    out = tmp_path / "sweep"
    words = ["sweep", str(table), *VARY, *SMALL, "--out", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "accumbens", *words])
    checkpoint_of(out)
    process.kill()
    process.wait()
    sweep = resume_sweep(out)  # waits for workers that still save
    assert sweep.count() == {"done": 2}
    same_numbers(sweep, undisturbed)


def test_the_same_command_does_only_what_is_missing(table, tmp_path):
    first = run_sweep(table, TRIVIAL, vary={"seed": range(2)}, out=tmp_path)
    before = {name: first.record(name) for name in first.names}
    (first.folder(first.names[1]) / "metrics.json").unlink()  # as if killed before it was written
    again = run_sweep(table, TRIVIAL, vary=["seed=1:4"], out=tmp_path)
    assert again.names[:2] == first.names
    assert [again.varied(name)["seed"] for name in again.names] == [0, 1, 2, 3]
    assert again.count() == {"done": 4}
    assert again.record(again.names[0]) == before[again.names[0]]
    assert again.record(again.names[1])["attempts"] == 2
    with pytest.raises(ConfigError, match=r"holds a sweep with other options \(resamples\)"):
        run_sweep(table, FitConfig(models=("naive",), resamples=8, figures=False),
                  vary={"seed": [0]}, out=tmp_path)  # fmt: skip


def test_a_failed_cell_keeps_its_error_and_stops_nothing(table, tmp_path, capsys):
    words = ["sweep", str(table), "--models", "naive", "--resamples", "9", "--vary",
             "split.test-subjects=0,nobody", "--out", str(tmp_path / "s")]  # fmt: skip
    main(words)
    sweep = load_sweep(tmp_path / "s")
    assert sweep.count() == {"done": 1, "failed": 1}
    (error,) = sweep.failed.values()
    assert "no subject nobody: " in error
    (name,) = sweep.failed
    assert "Traceback" in sweep.record(name)["traceback"]
    said = " ".join(capsys.readouterr().out.split())
    assert f"Warning: {name}: {error}"[:60] in said
    assert f"To fit them anew: accumbens sweep --retry {tmp_path / 's'}" in said
    main(["sweep", "--resume", str(tmp_path / "s")])
    assert sweep.record(name)["attempts"] == 1
    (other,) = set(sweep.names) - {name}
    before, folder = numbers(sweep.folder(other)), sweep.folder(other)
    (folder / "metrics.json").write_text("half wri")
    (folder / "left behind").mkdir()
    cells.write_record(folder, {"state": "failed", "error": "the disk was full"})
    main(["sweep", "--retry", str(tmp_path / "s")])
    assert sweep.record(name)["state"] == "failed"
    assert sweep.count() == {"done": 1, "failed": 1}
    assert numbers(folder) == before  # fitted from scratch
    assert not (folder / "left behind").exists()
    made = read_made(sweep.path)
    assert [entry["command"] for entry in made] == [None, None]  # the resumed one did nothing
    assert all(entry["seconds"] > 0 for entry in made)
    main(["show", str(sweep.path)])
    assert capsys.readouterr().out.count("Made on ") == 2


def test_subjects_and_folds_are_cells_of_their_own(table, tmp_path):
    vary = {"subjects": "each", "split.fold": range(3), "seed": range(2)}
    plan = planned(table, TRIVIAL, read_axes(vary))
    held_out: dict = {}
    for cell in plan.cells:
        trials = read_trials(table, cell.config)
        test = make_split(trials, cell.config.split, cell.config.seed).test
        (subject,), fold, _ = cell.varied.values()
        assert {label.partition("/")[0] for label in trials.session_labels} == {subject}
        assert held_out.setdefault((subject, fold), test) == test  # for every seed
    assert len(plan.cells) == 12
    for subject in "01":
        tests = [label for fold in range(3) for label in held_out[subject, fold]]
        assert len(set(tests)) == len(tests) == 3
    sweep = run_sweep(table, TRIVIAL, vary={"subjects": ["1"]}, out=tmp_path)
    assert sweep.run(sweep.names[0]).metrics["data"]["subjects"] == 1
    assert sweep.run(sweep.names[0]).metrics["data"]["sessions"] == 3


def test_folds_that_are_not_all_need_their_number(table, tmp_path):
    with pytest.raises(ConfigError, match=r"Say it: --split\.folds 5"):
        run_sweep(table, TRIVIAL, vary={"split.fold": [0, 2]}, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_changed_table_is_not_mixed_with_what_was_fitted(tmp_path):
    table, out = tmp_path / "t.csv", tmp_path / "s"

    def write(reward):
        trials = trials_from_arrays(
            np.array([[0, 1, 1, 0] * 5] * 4), np.array([[[reward], [0.0]] * 10] * 4)
        )
        write_table(to_table(trials), table)

    write(1.0)
    run_sweep(table, TRIVIAL, vary={"seed": [0]}, out=out)
    write(2.0)
    with pytest.raises(DataError, match=r"t\.csv has changed since the sweep in .* began"):
        run_sweep(table, TRIVIAL, vary={"seed": [0, 1]}, out=out)


def test_two_sweeps_on_one_folder_share_the_work(table, tmp_path):
    vary, seen = {"seed": range(4)}, []

    class Seen(Progress):
        def ended(self, task):
            seen.append((task.done, task.total))

    def one():
        run_sweep(table, TRIVIAL, vary=vary, out=tmp_path, engine=EngineConfig(jobs=1),
                  progress=Seen())  # fmt: skip

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweep = load_sweep(tmp_path)
    assert [sweep.record(name)["attempts"] for name in sweep.names] == [1] * 4
    assert len({sweep.record(name)["process"] for name in sweep.names}) == 2
    assert seen == [(4, 4), (4, 4)]


def test_a_cell_is_claimed_while_it_is_fitted(table, tmp_path):
    sweep = run_sweep(table, TRIVIAL, vary={"seed": [0]}, out=tmp_path)
    folder = sweep.folder(sweep.names[0])
    record = sweep.record(sweep.names[0])
    (folder / "metrics.json").unlink()
    assert sweep.state(sweep.names[0]) == "begun"
    with claimed(folder, LOCK):
        assert sweep.state(sweep.names[0]) == "running"
        assert run_cell(str(tmp_path), sweep.names[0]) == "busy"
    assert sweep.record(sweep.names[0]) == record
    assert run_cell(str(tmp_path), sweep.names[0]) == "done"
    assert sweep.record(sweep.names[0])["attempts"] == 2
    assert run_cell(str(tmp_path), sweep.names[0]) == "done"
    assert sweep.record(sweep.names[0])["attempts"] == 2


def test_a_process_that_ends_again_and_again_is_a_failed_cell(table, tmp_path):
    write_plan(tmp_path, planned(table, TRIVIAL, read_axes(["seed=0"])))
    plan, sweep = read_plan(tmp_path), load_sweep(tmp_path)
    cells.note_failure(tmp_path, plan.cells[0], RuntimeError("its process ended"))
    assert sweep.failed == {sweep.names[0]: "RuntimeError: its process ended"}
    cells.note_failure(tmp_path, plan.cells[0], RuntimeError("later"))
    assert sweep.failed == {sweep.names[0]: "RuntimeError: its process ended"}
    cells.forget(tmp_path, plan.cells[0])
    assert sweep.state(sweep.names[0]) == "to do"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--status", "a", "--retry", "b"], "--status and --retry exclude each other"),
        (["t.csv", "--status", "a"], "--status takes table and options from the sweep"),
        (["t.csv"], "Nothing is varied"),
        ([], "Name a table: accumbens sweep TABLE"),
        (["--status", "nowhere"], "nowhere holds no sweep: it has no sweep.json"),
        (["t.csv", "--vary", "seed=0", "--jobs", "0"], "jobs is 0; it must lie between 1 and"),
        (
            ["t.csv", "--vary", "seed=0", "--on", "moon"],
            "on is 'moon'; it must be local, slurm, or dask://",
        ),
    ],
)
def test_mistakes_on_the_command_line(words, message, capsys):
    with pytest.raises(SystemExit):
        main(["sweep", *words])
    assert message in " ".join(capsys.readouterr().err.split())
