"""The main job on small data: everything is left behind, repeats exactly and can be resumed."""

import dataclasses
import json
import re
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.files import claimed, write_atomically
from accumbens.fit.disrnn.config import DisRNNStageConfig, PenaltyPathConfig, RecipeConfig
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import from_table, to_table, write_table
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.q_learning import QLearning
from accumbens.progress import Progress
from accumbens.run.fit.config import FitConfig, SplitConfig
from accumbens.run.fit.folder import load_run
from accumbens.run.fit.models import METHODS, Fitted, fit_named
from accumbens.run.fit.pipeline import make_split, resume_fit, run_fit
from accumbens.scoring.metrics import normalized_likelihood, pooled, predict, session_sums
from accumbens.scoring.scored import scored_trials_hash, which_trials
from accumbens.scoring.splits import apply_split, k_fold, leave_one_subject_out
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.threefry import key_of
from accumbens.unrolling import unroll

CONFIG = FitConfig(
    table=TableFormat(signal=("dopamine",)),
    recipe=RecipeConfig(
        disrnn=DisRNNConfig(latents=2, update_layers=1, update_units=4, choice_layers=1),
        warm_up=DisRNNStageConfig(steps=10, learning_rate=2e-3, decay=0.0),
        choice_stage=dataclasses.replace(RecipeConfig().choice_stage, steps=60),
        signal_stage=dataclasses.replace(RecipeConfig().signal_stage, steps=30),
    ),
    signal_scale="none",
    seeds=1,
    resamples=50,
)
OPTIONS = [
    "--signal", "dopamine", "--signal-scale", "none", "--resamples", "50", "--seeds", "1",
    "--disrnn.latents", "2", "--disrnn.update-layers", "1", "--disrnn.update-units", "4",
    "--disrnn.choice-layers", "1", "--warm-up.steps", "10", "--choice-stage.steps", "60",
    "--signal-stage.steps", "30",
]  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    agent = QLearning(0.3, 3.0, gain=1.0, offset=0.0)
    trials = simulate(agent, DriftingBandit(), n_sessions=8, n_trials=40, key=jax.random.key(0))
    path = tmp_path_factory.mktemp("tables") / "trials.parquet"
    write_table(to_table(trials), path)
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    return run_fit(table, CONFIG, tmp_path_factory.mktemp("runs") / "run")


def without_seconds(run):
    """What is the same whenever it is run; times and what was compiled before need not be."""
    return {k: v for k, v in run.metrics.items() if k not in ("seconds", "compiled")}


def test_the_folder_holds_all_that_it_should(run):
    names = {p.name for p in run.folder.path.iterdir()}
    assert names == {
        "config.toml", "split.json", "metrics.json", "table1.csv", "table1.md", "table1.tex",
        "predictions.parquet", "history.parquet", "models", "figures", "methods.md",
        "made.json",
    }  # fmt: skip
    assert not list(run.folder.path.rglob("*.tmp"))
    drawn = {p.stem for p in run.folder.figures.glob("*.png")}
    assert {"bottlenecks", "choice_rule", "signal_rule", "update_rule", "example_session",
            "learning_curves", "comparison"} <= drawn  # fmt: skip
    for stem in drawn:
        assert (run.folder.figures / f"{stem}.pdf").is_file()
        assert len(pd.read_csv(run.folder.figures / f"{stem}.csv"))


def test_a_run_shows_scores_and_open_latents(run):
    title, table, latents, heads, *rows = repr(run).splitlines()
    assert title == (
        f"Run {run.folder.path}: 4 models, 4 sessions fitted, 4 held out "
        "(every second session of each subject)"
    )
    assert table.split() == ["table", run.about["table"]]
    opened = ", ".join(run.metrics["open_latents"]) or "none"
    assert latents.strip() == f"open latents of the disRNN  {opened}"
    assert re.split(r"\s{2,}", heads.strip())[1:] == [
        "normalized likelihood", "dopamine MSE", "dopamine R2"
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == list(run.model_names)
    score = run.metrics["models"]["naive"]["signal"]["dopamine"]
    assert f"{score['mse']:.4g}" in rows[-1]
    assert f"{score['mse_interval'][0]:.4g}" in rows[-1]
    assert run._repr_html_().count("<tr>") == 2 + 1 + 4


def test_metrics_are_those_of_the_loaded_models(run):
    assert run.model_names == ("disrnn", "dfq_choice", "dfq_signal", "naive")
    from accumbens.run.fit.pipeline import read_trials

    trials = read_trials(run.about["table"], run.config)
    _, test = apply_split(run.split, trials)
    for name in ("disrnn", "dfq_choice"):
        sums = pooled(session_sums(predict(run.model(name), test), test))
        metrics = run.metrics["models"][name]
        assert metrics["choice"]["normalized_likelihood"] == pytest.approx(
            float(normalized_likelihood(sums)[0]), rel=1e-6
        )
        assert metrics["signal"]["dopamine"]["mse"] > 0
    for name in ("dfq_signal", "naive"):
        assert run.metrics["models"][name]["choice"]["normalized_likelihood"] == 0.5
    assert len(run.metrics["bottlenecks"]) == 2 + 2 * 4 + 2 + 4
    assert set(run.metrics["seconds"]["disrnn"]) == {"warm_up", "choice", "signal"}


def test_predictions_have_one_row_a_trial(run):
    from accumbens.run.fit.pipeline import read_trials

    table = run.predictions()
    trials = read_trials(run.about["table"], run.config)
    assert len(table) == trials.length.sum()
    said = unroll(run.disrnn, trials)
    np.testing.assert_allclose(table["disrnn.z_1"], said.latents["z_1"].ravel(), rtol=1e-5)
    np.testing.assert_allclose(
        table["disrnn.p_0"] + table["disrnn.p_1"], np.ones(len(table)), rtol=1e-5
    )
    held_out = set(table.loc[table["held_out"], "session"].astype(str))
    assert held_out == {label.split("/")[1] for label in run.split.test}
    assert "dfq_signal.p_1" not in table
    history = run.history()
    assert history.query("stage == 'choice' and term == 'loss'")["step"].tolist() == [*range(1, 61)]


def test_the_same_seed_gives_the_same_metrics(run, table, tmp_path):
    again = run_fit(table, CONFIG, tmp_path / "again")
    assert without_seconds(again) == without_seconds(run)
    other = run_fit(table, dataclasses.replace(CONFIG, seed=1), tmp_path / "other")
    assert without_seconds(other) != without_seconds(run)


def test_several_seeds_and_a_penalty_path(table, tmp_path):
    config = dataclasses.replace(
        CONFIG, seeds=2, models=("disrnn", "naive"),
        path=PenaltyPathConfig(factors=(0.3, 3.0), folds=2, steps=20),
    )  # fmt: skip
    run = run_fit(table, config, tmp_path / "run")
    seeds = run.metrics["models"]["disrnn"]["fit"]["seeds"]
    assert [seed["seed"] for seed in seeds] == [0, 1]
    assert [seed["kept"] for seed in seeds].count(True) == 1
    assert min(seeds, key=lambda seed: seed["loss"])["kept"]
    assert run.metrics["penalty_path"]["factors"] == [0.3, 3.0]
    assert (run.folder.figures / "penalty_path.png").is_file()
    assert set(run.history()["seed"]) == {0, 1}


def test_choices_alone_need_no_signal(table, tmp_path):
    config = dataclasses.replace(CONFIG, table=TableFormat())
    run = run_fit(table, config, tmp_path / "run")
    assert run.model_names == ("disrnn", "dfq_choice", "naive")
    assert run.metrics["models"]["disrnn"]["signal"] == {}


def test_a_figure_that_cannot_be_drawn_loses_no_run(table, tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("no such colour")

    monkeypatch.setattr("accumbens.run.fit.pipeline.draw_figures", fail)
    config = dataclasses.replace(CONFIG, table=TableFormat(), models=("naive", "dfq_choice"))
    with pytest.raises(DataError, match=r"is complete, but not all.*ValueError: no such colour"):
        run_fit(table, config, tmp_path / "run")
    assert load_run(tmp_path / "run").model_names == ("naive", "dfq_choice")


def test_folds_follow_the_seed_of_the_run(table, tmp_path):
    trials = from_table(table, CONFIG.table)
    fold = SplitConfig(folds=4, fold=1)
    splits = [make_split(trials, fold, seed) for seed in (0, 0, 1, 2)]
    assert splits[0] == splits[1]
    assert len({split.test for split in splits}) == 3
    expected = k_fold(trials, 4, np.random.default_rng(2))[1]
    assert splits[3] == expected
    config = dataclasses.replace(CONFIG, models=("naive",), split=fold, seed=2)
    assert run_fit(table, config, tmp_path / "run").split == expected


def test_a_split_counts_as_the_options_say():
    trials = simulate(
        QLearning(0.3, 3.0), DriftingBandit(), n_sessions=6, n_trials=4, key=jax.random.key(0)
    )
    trials = dataclasses.replace(
        trials, subject=np.array([0, 0, 0, 1, 1, 2], np.int32),
        names=dataclasses.replace(trials.names, subjects=("a", "b", "c")),
    )  # fmt: skip
    expected = {
        SplitConfig(): ("a/1", "b/4"),
        SplitConfig(count="all-sessions"): ("a/1", "b/3", "c/5"),
        SplitConfig(count="subjects"): ("b/3", "b/4"),
        SplitConfig(test_subjects=("a", "c")): ("a/0", "a/1", "a/2", "c/5"),
        SplitConfig(every=3): ("a/2",),
    }
    assert {config: make_split(trials, config, 0).test for config in expected} == expected
    left_out = [
        make_split(trials, SplitConfig(folds=3, fold=i, count="subjects"), 0) for i in range(3)
    ]
    assert {split.test for split in left_out} == {s.test for s in leave_one_subject_out(trials)}


def test_two_ways_to_hold_out_are_refused():
    with pytest.raises(ConfigError, match=r"both split\.test_subjects and split\.folds: each says"):
        SplitConfig(test_subjects=("a",), folds=3)


def test_a_subject_with_all_its_sessions_held_out(tmp_path, capsys):
    """As asked; and one session a subject needs no options."""
    trials = simulate(
        QLearning(0.3, 3.0), DriftingBandit(), n_sessions=3, n_trials=30, key=jax.random.key(0)
    )
    trials = dataclasses.replace(
        trials, subject=np.arange(3, dtype=np.int32),
        names=dataclasses.replace(trials.names, subjects=("M1", "M2", "M3")),
    )  # fmt: skip
    write_table(to_table(trials), tmp_path / "three.csv")
    options = ["--models", "q_learning", "naive", "--resamples", "9"]
    words = ["fit", str(tmp_path / "three.csv"), *options]
    main([*words, "--out", str(tmp_path / "a"), "--split.test-subjects", "M3"])
    main([*words, "--out", str(tmp_path / "b")])
    said = " ".join(capsys.readouterr().out.split())
    assert "fitted to 2 sessions, scored on the other 1 (all sessions of M3)." in said
    assert (
        "scored on the other 1 (every second session in order of subject and session, counted over "
        "all subjects, for none has 2 sessions)." in said
    )
    for name, subject in (("a", "M3"), ("b", "M2")):
        run = load_run(tmp_path / name)
        held_out = run.predictions().query("held_out")
        assert set(held_out["subject"]) == {subject}
        keys = trials.select_sessions([("M1", "M2", "M3").index(subject)])
        data = run.metrics["data"]
        assert data["scored_trials_hash"] == scored_trials_hash(keys)
        assert data["choices_scored"] == keys.scored.sum() == len(held_out)
        sentence = which_trials(data["choices_scored"], data["scored_trials_hash"])
        assert sentence in said
        for suffix in ("md", "tex"):
            assert sentence in (tmp_path / name / f"table1.{suffix}").read_text()


def test_every_fit_has_a_key_of_its_own_name(table, monkeypatch, tmp_path):
    """Whatever else is fitted; the disRNN has the key of the run."""
    given = {}

    def remember(job):
        given[job.fit.name] = jax.random.key_data(job.key).tolist()
        return Fitted(QLearning(0.3, 3.0), True, {}, {}, {})

    for method in METHODS:
        monkeypatch.setitem(METHODS, method, remember)
    names = ("disrnn", "gru", "dfq_choice", "dfq_signal", "naive")
    key = jax.random.key(3)
    for name in names:
        fit_named(name, from_table(table, CONFIG.table), CONFIG, key=key, progress=Progress(),
                  checkpoints=tmp_path, identity="")  # fmt: skip
    expected = {name: key_of(key, name) for name in names} | {"disrnn": key}
    assert given == {name: jax.random.key_data(k).tolist() for name, k in expected.items()}


def test_a_model_of_two_rewards_needs_two_before_anything_is_fitted(table, tmp_path):
    config = dataclasses.replace(CONFIG, models=("disrnn", "Structure Mixture"))
    message = (
        r"The model structure_mixture learns from 2 kinds of outcome, and these trials have 1 "
        r"\(reward\)\. Name them with --outcome, or leave the model out\."
    )
    with pytest.raises(ConfigError, match=message):
        run_fit(table, config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_names_are_those_of_the_catalogue_each_once():
    config = FitConfig(models=("DFQ", "disRNN", "dfq_choice", "Q-learning"))
    assert config.models == ("dfq_choice", "disrnn", "q_learning")


def test_a_single_session_is_scored_where_it_was_fitted(tmp_path, capsys):
    agent = QLearning(0.3, 3.0)
    trials = simulate(agent, DriftingBandit(), n_sessions=1, n_trials=80, key=jax.random.key(1))
    write_table(to_table(trials), tmp_path / "one.csv")
    main_job = ["fit", str(tmp_path / "one.csv"), "--models", "q_learning", "--resamples", "9"]
    with pytest.raises(SystemExit):
        main([*main_job, "--out", str(tmp_path / "a")])
    assert "hold out none and score the fitted ones (--split.every 0)" in " ".join(
        capsys.readouterr().err.split()
    )
    main([*main_job, "--out", str(tmp_path / "b"), "--split.every", "0"])
    said = " ".join(capsys.readouterr().out.split())
    assert "fitted to 1 session, and scored on the same: none is held out." in said
    run = load_run(tmp_path / "b")
    choice = run.metrics["models"]["q_learning"]["choice"]
    assert choice["normalized_likelihood"] > 0.55
    assert choice["normalized_likelihood_interval"] == [None, None]
    assert not run.predictions()["held_out"].any()
    table1 = (tmp_path / "b" / "table1.md").read_text()
    assert "Fitted trials, none held out" in table1
    assert "nan" not in table1


def test_a_killed_fit_is_finished_by_resume(run, table, tmp_path):
    """SIGKILL while the disRNN trains; `fit --resume` must give the metrics of an unbroken run."""
    out = tmp_path / "killed"
    slow = ["accumbens", "fit", str(table), "--out", str(out), *OPTIONS]
    process = subprocess.Popen([sys.executable, "-c", KILLABLE, *slow])
    deadline = time.monotonic() + 240
    while not list(out.glob("checkpoints/disrnn-*.safetensors")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "metrics.json").exists()
    with pytest.raises(DataError, match=r"is not finished\. Finish it: accumbens fit --resume"):
        load_run(out)
    with pytest.raises(ConfigError, match="already holds an unfinished run: finish it with"):
        run_fit(table, CONFIG, out)
    main(["fit", "--resume", str(out)])
    assert without_seconds(load_run(out)) == without_seconds(run)


def test_a_killed_choice_is_finished_by_resume(table, tmp_path):
    """SIGKILL after the first route; what is left must come out as in an unbroken run."""
    small = ["--signal", "dopamine", "--models", "disrnn", "--resamples", "50",
             "--disrnn.latents", "2", "--disrnn.update-layers", "1", "--disrnn.update-units", "4",
             "--disrnn.choice-layers", "1", "--selection.guides", "q_learning",
             "--selection.folds", "2", "--selection.steps", "600", "--selection.starts", "1",
             "--selection.shares", "0", "1", "--selection.relaxing", "50",
             "--selection.histories", "0"]  # fmt: skip
    main(["fit", str(table), "--out", str(tmp_path / "whole"), *small])
    out = tmp_path / "killed"
    words = ["fit", str(table), "--out", str(out), *small]
    with subprocess.Popen([sys.executable, "-m", "accumbens", *words]) as process:
        while not list(out.glob("checkpoints/selection-1-*.safetensors")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert not list(out.glob("checkpoints/selection-0-*"))
    main(["fit", "--resume", str(out)])
    assert without_seconds(load_run(out)) == without_seconds(load_run(tmp_path / "whole"))


@pytest.mark.slow  # killed fits, which cost less, are in every run of the tests
def test_an_interrupted_fit_keeps_what_it_reached_and_is_finished_by_resume(table, tmp_path):
    """SIGINT, once, while two seeds train, long before a save is due."""
    options, out = [*OPTIONS, "--seeds", "2", "--models", "disrnn"], tmp_path / "my run"
    whole = run_fit(
        table, dataclasses.replace(CONFIG, seeds=2, models=("disrnn",)), tmp_path / "whole"
    )
    words = ["fit", str(table), "--out", str(out), *options]
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        while "choice 50/" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert f"Interrupted. What was reached is kept. Go on: accumbens fit --resume '{out}'" in said
    assert "Traceback" not in said
    assert len(list(out.glob("checkpoints/disrnn-*.safetensors"))) == 2
    assert not list(out.rglob(".accumbens-*"))
    main(["fit", "--resume", str(out)])
    assert without_seconds(load_run(out)) == without_seconds(whole)


@pytest.mark.slow
def test_a_stop_between_two_files_leaves_no_half_run(run, table, tmp_path, monkeypatch):
    """Whatever file of the beginning is the last that was written."""
    for n in range(3):
        out, written = tmp_path / str(n), []

        def dying(path, content, n=n, written=written):
            if len(written) == n:
                raise KeyboardInterrupt
            written.append(path)
            write_atomically(path, content)

        with monkeypatch.context() as patch:
            patch.setattr("accumbens.run.fit.folder.write_atomically", dying)
            patch.setattr("accumbens.run.toml.write_atomically", dying)
            with pytest.raises(KeyboardInterrupt):
                run_fit(table, CONFIG, out)
        begun = (out / "config.toml").is_file()
        assert begun == (n == 2)
        done = resume_fit(out) if begun else run_fit(table, CONFIG, out)
        assert without_seconds(done) == without_seconds(run)


SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from accumbens.cli import interrupts, main
from accumbens.progress import Progress
interrupts.SECONDS_TO_SAVE[signal.SIGINT] = 300  # however slow this machine is
def dawdle(self, task):
    print(task.label, f"{task.done}/{task.total}", flush=True)
    time.sleep(1.0)
Progress.changed = dawdle
import accumbens.cli.printing as printing, contextlib
printing.shown_progress = lambda: contextlib.nullcontext(Progress())
main()
"""


KILLABLE = """
import sys, time
import accumbens.fit.gradient.checkpoints as checkpoints
checkpoints.SECONDS_BETWEEN_SAVES = 0.0
save = checkpoints.CheckpointFile.save
def save_and_dawdle(self, checkpoint):
    save(self, checkpoint)
    time.sleep(1.0)
checkpoints.CheckpointFile.save = save_and_dawdle
from accumbens.cli import main
main(sys.argv[2:])
"""


def test_folders_and_tables_that_do_not_suit_are_refused(run, table, tmp_path):
    with pytest.raises(ConfigError, match="already holds a finished run: choose another folder"):
        run_fit(table, CONFIG, run.folder.path)
    (tmp_path / "two").mkdir()
    said = pytest.raises(ConfigError, match=r"Another process is writing to .*two")
    with claimed(tmp_path / "two"), said:
        run_fit(table, CONFIG, tmp_path / "two")
    assert not any((tmp_path / "two").iterdir())
    (tmp_path / "two").rmdir()
    with pytest.raises(DataError, match=r"is not a run folder: it has no config\.toml"):
        load_run(tmp_path)
    with pytest.raises(DataError, match="This run has no model 'gru'; it has disrnn"):
        run.model("gru")
    resumed = resume_fit(run.folder.path)
    assert resumed.metrics == run.metrics


def test_a_changed_table_cannot_be_resumed(table, tmp_path):
    changed = tmp_path / "trials.parquet"
    frame = pd.read_parquet(table)
    frame.to_parquet(changed)
    out = tmp_path / "run"
    run_fit(changed, CONFIG, out)
    (out / "metrics.json").unlink()
    frame.loc[3, "dopamine"] += 1.0
    frame.to_parquet(changed)
    with pytest.raises(DataError, match=r"has changed since the run in .* cannot be resumed"):
        resume_fit(out)
    assert json.loads((out / "split.json").read_text())["test"]
